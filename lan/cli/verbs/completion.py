"""Completion for your shell:  source <(lan completion bash)   (also zsh, fish)

It completes verbs, options, LANs, devices, tables, topologies, whatever the verb takes at that place.
"""

import argparse

from lan.cli.completing import candidates
from lan.cli.screen import Screen

GROUP = "Learn"
SCRIPTS = {
    "bash": """_lan() {
    local IFS=$'\\n'
    COMPREPLY=($(lan completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    if [ ${#COMPREPLY[@]} = 0 ]; then compopt -o default; fi
}
complete -F _lan lan bin/lan""",
    "zsh": """autoload -U +X compinit && compinit
_lan() {
    local -a found
    found=(${(f)"$(lan completion words -- ${words[2,CURRENT]} 2>/dev/null)"})
    if (( ${#found} )); then compadd -- $found; else _files; fi
}
compdef _lan lan""",
    "fish": """complete -c lan -f -a '(lan completion words -- (commandline -opc)[2..-1] (commandline -ct))'""",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=[*SCRIPTS, "words"], help="whose script; 'words' is what the scripts ask")
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.shell != "words":
        screen.line(SCRIPTS[options.shell])
        return 0
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    for candidate in candidates(words or [""]):
        screen.line(candidate)
    return 0
