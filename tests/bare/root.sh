# For `tests/bare/run` and `tests/vm/run`: a minimal Debian root, and a way into it.  They set `house`, `suite`, `root`.
#
# The root is made by debootstrap and entered by pivot_root: a chroot refuses user namespaces.  Mirror,
# certificates and pip's settings are this machine's.
# shellcheck shell=bash disable=SC2154

clone='/srv/a clone'

make_root() {
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
        { tail -n 5 "$root.log" >&2; exit 3; }
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    local file
    for file in /etc/apt/apt.conf.d/*; do
        if grep -q '^ *Acquire::' "$file"; then cp "$file" "$root/etc/apt/apt.conf.d/"; fi
    done
    if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"   # no init here that could start services
    chmod +x "$root/usr/sbin/policy-rc.d"
    local user
    for user in teacher student; do useradd --root "$root" --create-home --shell /bin/bash $user; done
}

# enter USER NETWORK COMMAND: in the root, with NETWORK there or cut (loopback stays), with an environment of its own and this machine's settings for pip.
enter() {
    local user=$1 network=$2 command=$3 home=/root settings=() shared=() cut=() name path
    if [ "$user" != root ]; then home=/home/$user; fi
    while IFS='=' read -r name _; do
        case ${name,,} in pip_* | *_proxy) settings+=("$name=${!name}") ;; esac
    done < <(env)
    while read -r path; do # pip's indexes that are directories of this machine
        if [ -d "$path" ]; then shared+=("${path%/simple}"); fi
    done < <(pip config list 2>/dev/null | grep -oE '(file://)?/[^ "'\'']*' | sed 's,^file://,,' | sort -u)
    if [ "$network" = cut ]; then cut=(--net); fi
    unshare --mount --pid --fork --kill-child "${cut[@]}" bash -euc "$PIVOT" pivot \
        "$root" "$house/.git" ${#shared[@]} "${shared[@]}" \
        setpriv --reuid="$user" --regid="$user" --init-groups env -i HOME="$home" LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${settings[@]}" /bin/sh -c "$command"
}

# Arguments: root, the repository, how many directories to share and which, then what to execute inside.
# shellcheck disable=SC2016
PIVOT='
root=$1 repository=$2 count=$3
shift 3
ip link set lo up
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mount --bind "$repository" "$root/mnt"
while [ "$count" -gt 0 ]; do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
    count=$((count - 1))
done
mkdir -p "$root/run/outside"
pivot_root "$root" "$root/run/outside"
cd /
umount -l /run/outside
exec "$@"
'
