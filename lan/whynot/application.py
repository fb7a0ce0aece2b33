"""Above the connection: certificate and TLS, then request and response.  RFC 8446, RFC 9110.  Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from lan.reasons import Sentence
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
        said = Sentence("{device} proved that it is {host}", device=server.name, host=host)
        yield Step("certificate", server.name, said)
        return
    row = _shown(shown)
    seen = _stream(case, packet)
    if shown is not None and (untimely := _untimely(case, server, shown)) is not None:
        said, code, remedy = untimely
        yield _wrong(server, said, code, row, look, remedy)
    if shown is not None and ("mismatch" in fault or "doesn't match" in fault):
        names = ", ".join(shown.names) or Sentence("no name")
        said = Sentence("{device}'s certificate is for {names}, not for {host}",
                        device=server.name, names=names, host=host)  # fmt: skip
        known = shown.names[0] if shown.names else Sentence("its name")
        remedy = Sentence("write {host} into names of {device} in the topology file, or ask for {known}",
                          host=host, device=server.name, known=known)  # fmt: skip
        yield _wrong(server, said, "certificate.name", row, look, remedy)
    if shown is not None and ("self-signed" in fault or "self signed" in fault or "issuer" in fault):
        said = Sentence(
            "{client} does not trust who signed {device}'s certificate: {issuer} ({fault})",
            client=case.client.name, device=server.name, issuer=shown.issuer, fault=fault,
        )  # fmt: skip
        remedy = Sentence("lan down, then up again: the LAN's own authority signs one that every device trusts")
        yield _wrong(server, said, "certificate.authority", row, look, remedy)
    if "WRONG_VERSION" in fault.upper() or "wrong version" in fault or "HTTP_REQUEST" in fault.upper():
        said = Sentence("{device}'s port {port} does not speak TLS", device=server.name, port=packet.dport)
        remedy = Sentence("ask by http://{host}:{port}/", host=host, port=packet.dport)
        yield Step("TLS", server.name, said, "tls.plain", told(seen), numbers(seen), look, remedy)
    said = Sentence("no TLS session with {device}: {fault}", device=server.name, fault=fault)
    yield Step(
        "TLS",
        server.name,
        said,
        "tls.silence" if fault == "timed out" else "tls.fault",
        (*row, *told(seen)),
        numbers(seen),
        look,
    )


def _untimely(case: Case, server: Device, shown: Certificate) -> tuple[Sentence, str, Sentence] | None:
    """What is wrong with a certificate's time by the client's clock, its code, and what to do; None for nothing."""
    fault, clock = case.attempt.tls_fault, {"client": case.client.name, "now": _clock(case)}
    if "expired" in fault:
        words = Sentence("{device}'s certificate ended at {time}; {client}'s clock says {now}",
                         device=server.name, time=_time(shown.ends_s), **clock)  # fmt: skip
        return words, "certificate.expired", Sentence("lan down, then up again: the LAN makes a new one")
    if "not yet valid" in fault:
        words = Sentence(
            "{device}'s certificate begins at {time}; {client}'s clock says {now}: one of the two is wrong",
            device=server.name, time=_time(shown.begins_s), **clock,
        )  # fmt: skip
        return words, "certificate.not-yet", Sentence("set the clock, or make a new certificate")
    return None


def _wrong(server: Device, said: Sentence, code: str, row: tuple[str, ...], look: str, remedy: Sentence) -> Step:
    return Step("certificate", server.name, said, code, row, (), look, remedy)


def _shown(certificate: Certificate | None) -> tuple[str, ...]:
    if certificate is None:
        return ()
    return (
        Sentence("subject {subject}, names {names}",
                 subject=certificate.subject, names=", ".join(certificate.names) or Sentence("none")),
        Sentence("issuer {issuer}, {begin} to {end}",
                 issuer=certificate.issuer, begin=_time(certificate.begins_s), end=_time(certificate.ends_s)),
    )  # fmt: skip


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
    program = Sentence("look into {device} and its program; its decisions: lan inspect {device}", device=server.name)
    got = (
        Sentence("{count} bytes", count=attempt.got_bytes)
        if attempt.promised_bytes is None
        else Sentence("{count} bytes of {promised}", count=attempt.got_bytes, promised=attempt.promised_bytes)
    )
    who = {"device": server.name, "what": what}

    def broken(said: Sentence, code: str, remedy: str = program) -> Step:
        return Step("application", server.name, said, code, evidence, frames, look, remedy)

    fault = attempt.http_fault
    if fault == "silence":
        if stopped := next((it for it in server.listeners if it.port == question.port and it.is_stopped), None):
            said = Sentence("{device}'s {program} is stopped by a signal: it reads no request",
                            device=server.name, program=stopped.program)  # fmt: skip
            yield broken(said, "application.stopped", f"lan exec {server.name} -- pkill -CONT -f {stopped.program}")
        said = Sentence("{device} took the connection and the request {what}, and says nothing more", **who)
        if attempt.status:
            said = Sentence("{device} took the connection and the request {what}, and says nothing more after {got}",
                            got=got, **who)  # fmt: skip
        yield broken(said, "application.hang")
    if fault == "reset":
        resets = [seen for seen in answers if "RST" in seen.what]
        evidence, frames = told(resets) or evidence, numbers(resets) or frames
        said = Sentence("{device} reset the connection before any response ({what})", **who)
        if attempt.status:
            said = Sentence("{device} reset the connection after {got} of the body ({what})", got=got, **who)
        yield broken(said, "application.reset")
    if fault == "closed":
        yield broken(
            Sentence("{device} closed the connection without a response to {what}", **who), "application.closed"
        )
    if fault == "cut short":
        yield broken(
            Sentence("{device}'s response to {what} ends early: {got} came", got=got, **who), "application.cut"
        )
    if fault:
        said = Sentence("what {device} answers on port {port} is no HTTP ({fault})",
                        device=server.name, port=question.port, fault=fault.removeprefix("no HTTP: "))  # fmt: skip
        remedy = Sentence("ask the port of its web server: lan show sockets {device}", device=server.name)
        yield broken(said, "application.no-http", remedy)
    if attempt.status >= 400:
        saying = "TLS application data" if scheme == "https" else f"HTTP {attempt.status} "
        status = [seen for seen in answers if seen.text.startswith(saying)]
        evidence, frames = told(status[-1:]) or evidence, numbers(status) or frames
        said = Sentence("{device} answers {what} with {status} {phrase}",
                        status=attempt.status, phrase=attempt.phrase, **who)  # fmt: skip
        known = {
            404: Sentence("ask for a path that is there, such as {url}/", url=f"{scheme}://{question.host}{port}"),
            421: Sentence("write {host} into names of {device}, or ask for a name of its",
                          host=question.host, device=server.name),
        }  # fmt: skip
        yield broken(said, "application.status", known.get(attempt.status, program))
    said = Sentence("{status} {phrase}, {got}", status=attempt.status, phrase=attempt.phrase, got=got)
    yield Step("application", server.name, said, frames=frames)


def _stream(case: Case, packet: Packet) -> list[Seen]:
    return [*case.frames(packet)[-1:], *case.frames(packet.back())[-2:]]
