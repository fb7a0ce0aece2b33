"""How a scenario's verdicts look: a line a step as it happens, the checks on one line at the end."""

from collections.abc import Iterable

from lan.cli.screen import Screen, spoken
from lan.scenario.recording import Recording
from lan.scenario.verdict import Verdict
from lan.trace.views.cells import pad


class Teller:
    """Tells verdicts as they come; with `verbose`, each step's frames under it."""

    def __init__(self, screen: Screen, recording: Recording, *, verbose: bool) -> None:
        self.screen, self.recording, self.verbose = screen, recording, verbose
        self.told: list[Verdict] = []
        self.language = spoken()

    @property
    def ok(self) -> bool:
        """Whether all that was judged is as it should be."""
        return bool(self.told) and all(verdict.ok for verdict in self.told)

    def tell_all(self, verdicts: Iterable[Verdict]) -> None:
        """Tell each as it comes, then what there is to sum up."""
        for verdict in verdicts:
            self.screen.progress("")
            self.told.append(verdict)
            if not verdict.is_check or self.verbose or not verdict.ok:
                self._tell(len(self.told), verdict)
            self.screen.progress(" …")
        self.screen.progress("")
        self._sum_up()

    def _tell(self, number: int, verdict: Verdict) -> None:
        time = "" if verdict.ms is None else f"{verdict.ms:8.1f} ms"
        mark = " " if verdict.ok else "✗"
        told = self.language.know_again
        name, what = pad(told(verdict.name), 13), pad(told(verdict.what), 31)
        line = f"{mark}{number:>2} {name} {verdict.who:<14} {what} {told(verdict.detail)}"
        if verdict.ok:
            self.screen.line(f"{pad(line, 108)}{time}".rstrip())
        else:
            self.screen.line(line, "red bold")
        if self.verbose:
            for frame in verdict.frames:
                self._tell_frame(frame.number)

    def _tell_frame(self, number: int) -> None:
        timeline = self.recording.timeline
        frame = timeline.all_frames[number - 1]
        start = timeline.all_frames[0].time_ns
        at = f"{(frame.time_ns - start) / 1e6:10.2f} ms"
        journey = timeline.journey(frame) or [frame]
        ethernet = frame.packet.ethernet
        to_all = ethernet is not None and ethernet.dst == "ff:ff:ff:ff:ff:ff"
        receiver = self.language.say("all") if to_all else journey[-1].to_device
        self.screen.line(
            f"      {frame.number:>5} {at}  {frame.from_device:>5} → {receiver:<5} {frame.packet.summary()}", "dim"
        )

    def _sum_up(self) -> None:
        checks = [verdict for verdict in self.told if verdict.is_check]
        pinged = [verdict for verdict in checks if verdict.name.startswith("ping")]
        words = [f"ping {sum(verdict.ok for verdict in pinged)}/{len(pinged)}"] if pinged else []
        for name in dict.fromkeys(verdict.name for verdict in checks if verdict not in pinged):
            fine = all(verdict.ok for verdict in checks if verdict.name == name)
            words.append(f"{self.language.know_again(name)} {'✓' if fine else '✗'}")
        if words:
            self.screen.line(" " + " · ".join(words), "green" if self.ok else "red")
