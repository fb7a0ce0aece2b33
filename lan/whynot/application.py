"""Above the connection: certificate and TLS, then request and response.  RFC 8446, RFC 9110.  Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from lan.whynot.case import Case, numbers, told
from lan.whynot.facts import Certificate, Device, Seen
from lan.whynot.finding import Step
from lan.whynot.nftables import Packet


def secures(case: Case, server: Device, packet: Packet) -> Iterator[Step]:
    """The TLS session: the certificate's name, time and authority, and whether the port speaks TLS at all."""
    fault, shown, host = case.attempt.tls_fault, case.attempt.certificate, case.question.host
    place = f"{packet.dst}:{packet.dport}"
    look = f"lan exec {case.client.name} -- openssl s_client -connect {place} -servername {host} -brief"
    if not fault:
        yield Step("certificate", server.name, f"{server.name} proved that it is {host}")
        return
    row = _shown(shown)
    seen = _stream(case, packet)
    if shown is not None and "expired" in fault:
        ended = _time(shown.ends_s)
        said = f"{server.name}'s certificate ended at {ended}; {case.client.name}'s clock says {_clock(case)}"
        yield _wrong(server, said, "certificate.expired", row, look, "lan down, then up again: the LAN makes a new one")
    if shown is not None and "not yet valid" in fault:
        said = (
            f"{server.name}'s certificate begins at {_time(shown.begins_s)}; "
            f"{case.client.name}'s clock says {_clock(case)}: one of the two is wrong"
        )
        yield _wrong(server, said, "certificate.not-yet", row, look, "set the clock, or make a new certificate")
    if shown is not None and ("mismatch" in fault or "doesn't match" in fault):
        names = ", ".join(shown.names) or "no name"
        said = f"{server.name}'s certificate is for {names}, not for {host}"
        known = shown.names[0] if shown.names else "its name"
        remedy = f"write {host} into names of {server.name} in the topology file, or ask for {known}"
        yield _wrong(server, said, "certificate.name", row, look, remedy)
    if shown is not None and ("self-signed" in fault or "self signed" in fault or "issuer" in fault):
        said = f"{case.client.name} does not trust who signed {server.name}'s certificate: {shown.issuer} ({fault})"
        remedy = "lan down, then up again: the LAN's own authority signs one that every device trusts"
        yield _wrong(server, said, "certificate.authority", row, look, remedy)
    if "WRONG_VERSION" in fault.upper() or "wrong version" in fault or "HTTP_REQUEST" in fault.upper():
        said = f"{server.name}'s port {packet.dport} does not speak TLS"
        yield Step(
            "TLS",
            server.name,
            said,
            "tls.plain",
            told(seen),
            numbers(seen),
            look,
            f"ask by http://{host}:{packet.dport}/",
        )
    said = f"no TLS session with {server.name}: {fault}"
    yield Step(
        "TLS",
        server.name,
        said,
        "tls.silence" if fault == "timed out" else "tls.fault",
        (*row, *told(seen)),
        numbers(seen),
        look,
    )


def _wrong(server: Device, said: str, code: str, row: tuple[str, ...], look: str, remedy: str) -> Step:
    return Step("certificate", server.name, said, code, row, (), look, remedy)


def _shown(certificate: Certificate | None) -> tuple[str, ...]:
    if certificate is None:
        return ()
    times = f"{_time(certificate.begins_s)} to {_time(certificate.ends_s)}"
    return (
        f"subject {certificate.subject}, names {', '.join(certificate.names) or 'none'}",
        f"issuer {certificate.issuer}, {times}",
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _clock(case: Case) -> str:
    return _time(case.client.clock_s)


def responds(case: Case, server: Device, packet: Packet) -> Iterator[Step]:
    """The response: that it comes, whole, and is no error."""
    attempt, question = case.attempt, case.question
    scheme = "https" if question.kind == "https" else "http"
    default = {"http": 80, "https": 443}[scheme]
    port = "" if question.port == default else f":{question.port}"
    look = f"lan exec {case.client.name} -- curl -sv {scheme}://{question.host}{port}{question.path}"
    what = f"GET {question.path}"
    answers = case.frames(packet.back(), sender=server.name)
    evidence, frames = told(answers[-2:]), numbers(answers)
    log = f"{server.name} and its program; its decisions: lan inspect {server.name}"
    got = f"{attempt.got_bytes} bytes" + (f" of {attempt.promised_bytes}" if attempt.promised_bytes is not None else "")

    def broken(said: str, code: str, remedy: str) -> Step:
        return Step("application", server.name, said, code, evidence, frames, look, remedy)

    fault = attempt.http_fault
    if fault == "silence":
        late = f", after {got}" if attempt.status else ""
        said = f"{server.name} took the connection and the request {what}, and says nothing more{late}"
        if server_is_stopped := next(
            (it for it in server.listeners if it.port == question.port and it.is_stopped), None
        ):
            said = f"{server.name}'s {server_is_stopped.program} is stopped by a signal: it reads no request"
            remedy = f"lan exec {server.name} -- pkill -CONT -f {server_is_stopped.program}"
            yield broken(said, "application.stopped", remedy)
        yield broken(said, "application.hang", f"look why it hangs: {log}")
    if fault == "reset":
        resets = [seen for seen in answers if "RST" in seen.what]
        evidence, frames = told(resets) or evidence, numbers(resets) or frames
        after = f" after {got} of the body" if attempt.status else " before any response"
        yield broken(f"{server.name} reset the connection{after} ({what})", "application.reset", f"look into {log}")
    if fault == "closed":
        yield broken(
            f"{server.name} closed the connection without a response to {what}",
            "application.closed",
            f"look into {log}",
        )
    if fault == "cut short":
        yield broken(
            f"{server.name}'s response to {what} ends early: {got} came", "application.cut", f"look into {log}"
        )
    if fault:
        said = f"what {server.name} answers on port {question.port} is no HTTP ({fault.removeprefix('no HTTP: ')})"
        yield broken(said, "application.no-http", f"ask the port of its web server: lan show sockets {server.name}")
    if attempt.status >= 400:
        said = f"{server.name} answers {what} with {attempt.status} {attempt.phrase}"
        remedy = {
            404: f"ask for a path that is there, such as http://{question.host}/",
            421: f"write {question.host} into names of {server.name}, or ask for a name of its",
        }.get(attempt.status, f"look into {log}")
        yield broken(said, "application.status", remedy)
    yield Step("application", server.name, f"{attempt.status} {attempt.phrase}, {got}", frames=frames)


def _stream(case: Case, packet: Packet) -> list[Seen]:
    return [*case.frames(packet)[-1:], *case.frames(packet.back())[-2:]]
