"""Stands for an agw-server in front of a bridge that knows offers and answers only, so that agw-load, a controller, is everybody's client.

H.248 in text over UDP, as far as agw-load speaks it: ServiceChange on ROOT, then for each call Add of the core's termination, Modify with the
core peer's address, Add of the access side's with the WIC's description, Subtract. The bridge's answer becomes the Local of the last Add.
"""
import re
import socket
import threading

TRANSACTION = re.compile(r"\b(?:Transaction|T)\s*=\s*(\d+)")
REPLY = re.compile(r"\b(?:Reply|P)\s*=\s*(\d+)")
CONTEXT = re.compile(r"\b(?:Context|C)\s*=\s*(\d+|\$|-)")
COMMAND = re.compile(r"\b(Add|A|Modify|MF|Subtract|S|AuditValue|AV)\s*=\s*([^\s{},]+)")
REMOTE = re.compile(r"\b(?:Remote|R)\s*\{([^}]*)\}")


def sdp_value(sdp, start):
    """The rest of the first line that starts so."""
    found = re.search("^" + re.escape(start) + r"(.*?)\s*$", sdp, re.MULTILINE)
    if not found:
        raise ValueError(f"no {start} in {sdp}")
    return found.group(1)


def offer_of(remote):
    """What H.248 says of the WIC, as the offer that a browser would send."""
    lines = [line.strip() for line in remote.strip().splitlines()]
    media = next(line for line in lines if line.startswith("m="))
    rest = [line for line in lines if line[:2] in ("c=", "a=") and not line.startswith(("a=mid", "a=group"))]
    return "\r\n".join(["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", media, *rest, "a=mid:0", ""])


def local_of(answer, address):
    """The bridge's answer as H.248's Local, with its one candidate that we use."""
    candidates = re.findall(r"^a=(candidate:\S+ 1 (?:udp|UDP) \d+ (\S+) (\d+) typ host.*?)\s*$", answer, re.MULTILINE)
    line, port = next((line, port) for line, host, port in candidates if host == address)
    if sdp_value(answer, "a=setup:") != "passive":
        raise ValueError("the bridge does not want to be the DTLS server")
    return "\n".join([
        "v=0", f"c=IN IP4 {address}", f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel", "a=setup:passive",
        "a=fingerprint:" + sdp_value(answer, "a=fingerprint:"), "a=ice-ufrag:" + sdp_value(answer, "a=ice-ufrag:"),
        "a=ice-pwd:" + sdp_value(answer, "a=ice-pwd:"), "a=" + line, "a=sctp-port:" + sdp_value(answer, "a=sctp-port:"), "a=max-message-size:262144"])


class GatewayDouble:
    """bridge.begin(call, offer, core, done) calls done(answer) from any thread; bridge.end(call)."""

    def __init__(self, bridge, place, mgc):
        self.bridge, self.address = bridge, place.gateway
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((place.control, 0))
        self.socket.connect(mgc)
        self.replies = {}  # by transaction; None: still at work
        self.cores = {}
        self.contexts = 0
        self.registered = threading.Event()
        self.trouble = None
        threading.Thread(target=self.serve, daemon=True).start()

    def register(self, seconds=20):
        """Until the controller has answered."""
        services = 'Services { Method = Restart, Reason = "901 Cold Boot", Version = 3, Profile = threegiq/1 }'
        for _ in range(seconds * 10):
            try:
                self.send(f"Transaction = 1 {{ Context = - {{ ServiceChange = ROOT {{ {services} }} }} }}", 1)
            except ConnectionRefusedError:
                pass
            if self.registered.wait(0.1):
                return
        raise RuntimeError("the controller does not answer")

    def close(self):
        self.socket.close()

    def send(self, body, version=3):
        host, port = self.socket.getsockname()
        self.socket.send(f"MEGACO/{version} [{host}]:{port}\n{body}".encode())

    def serve(self):
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except ConnectionRefusedError:
                continue
            except OSError:
                return
            if REPLY.search(text):
                self.registered.set()
            elif found := TRANSACTION.search(text):
                self.take(int(found.group(1)), text)

    def take(self, number, text):
        if number in self.replies:  # a repetition
            if self.replies[number]:
                self.send(self.replies[number])
            return
        self.replies[number] = None
        self.guard(number, lambda: self.execute(number, text))

    def guard(self, number, act):
        try:
            act()
        except Exception as error:
            self.trouble = self.trouble or repr(error)
            self.reply(number, "-", 'Error = 500 { "the bridge" }')

    def reply(self, number, context, actions):
        self.replies[number] = f"Reply = {number} {{ Context = {context} {{ {actions} }} }}"
        self.send(self.replies[number])

    def execute(self, number, text):
        context = CONTEXT.search(text).group(1)
        command, termination = COMMAND.search(text).groups()
        if command in ("Subtract", "S"):
            self.cores.pop(context, None)
            self.bridge.end(int(context))
            self.reply(number, context, f"Subtract = ip/1/core/{context}, Subtract = ip/1/access/{context}")
        elif command in ("Modify", "MF"):
            remote = REMOTE.search(text).group(1)
            self.cores[context] = sdp_value(remote, "c=IN IP4 ") + ":" + sdp_value(remote, "m=message ").split()[0]
            self.reply(number, context, f"Modify = {termination}")
        elif context == "$":
            self.contexts += 1
            local = f"v=0\nc=IN IP4 {self.address}\nm=message 9 TCP *\na=setup:active"
            self.reply(number, self.contexts, self.add("core", self.contexts, 2, local))
        elif command in ("Add", "A"):
            def answered(answer):
                self.guard(number, lambda: self.reply(number, context, self.add("access", context, 1, local_of(answer, self.address))))
            self.bridge.begin(int(context), offer_of(REMOTE.search(text).group(1)), self.cores[context], answered)
        else:
            self.reply(number, context, f"AuditValue = {termination}")

    @staticmethod
    def add(side, context, stream, local):
        return f"Add = ip/1/{side}/{context} {{ Media {{ Stream = {stream} {{ Local {{\n{local}\n}} }} }} }}"
