"""aiortc as the WIC: one call as the scenario says (see scenario.mjs), through the controller's WebSocket.

usage: wic.py ws://HOST:PORT/ws SCENARIO     It prints one line of JSON and ends with 0 if all went well.
"""
import asyncio
import hashlib
import json
import re
import secrets
import sys

import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription

PATIENCE = 60


def token():
    return secrets.token_urlsafe(9).replace("-", "x").replace("_", "y")


class Msrp:
    """One session: what is sent is cut into chunks, what comes is put together and answered."""

    def __init__(self, channel, own, peer, chunk):
        self.channel, self.own, self.peer, self.chunk = channel, own, peer, chunk
        self.messages = asyncio.Queue()
        self.incoming = {}
        self.unanswered = {}
        self.answered = asyncio.Event()
        self.fault = None
        channel.on("message", self.receive)

    def head(self, transaction, first, extra):
        return (f"MSRP {transaction} {first}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in extra)).encode()

    async def send(self, body, headers):
        message, at = token(), 0
        while True:
            piece = body[at:at + self.chunk]
            transaction = token()
            last = at + len(piece) == len(body)
            head = self.head(transaction, "SEND", [
                ("To-Path", self.peer), ("From-Path", self.own), ("Message-ID", message),
                ("Byte-Range", f"{at + 1}-{at + len(piece)}/{len(body)}"), *headers])
            self.unanswered[transaction] = len(piece)
            self.channel.send(head + b"\r\n" + piece + f"\r\n-------{transaction}{'$' if last else '+'}\r\n".encode())
            at += len(piece)
            while len(self.unanswered) > 16:
                self.answered.clear()
                await self.answered.wait()
            if last:
                return

    def receive(self, data):
        try:
            self.take(data)
        except Exception as error:  # told by whoever waits for the next message
            self.messages.put_nowait(error)

    def take(self, data):
        head, _, rest = data.partition(b"\r\n\r\n")
        words = head.split(b"\r\n")[0].decode().split(" ")
        transaction = words[1]
        end = f"-------{transaction}".encode()
        if words[2] != "SEND":
            if words[2].isdigit():
                if words[2] != "200":
                    raise ValueError(f"response {words[2]}")
                self.unanswered.pop(transaction)
                self.answered.set()
            return
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
        if fields["To-Path"] != self.own:
            raise ValueError(f"To-Path is {fields['To-Path']}")
        self.channel.send(self.head(transaction, "200 OK", [("To-Path", fields["From-Path"]), ("From-Path", self.own)])
                          + end + b"$\r\n")
        if not rest:
            return
        at = rest.rindex(b"\r\n" + end)
        body, flag = rest[:at], rest[at + 2 + len(end):][:1]
        first = int(re.match(r"(\d+)-", fields["Byte-Range"]).group(1))
        known = self.incoming.setdefault(fields["Message-ID"], bytearray())
        if first != len(known) + 1:
            raise ValueError(f"octet {first} came instead of {len(known) + 1}")
        known += body
        if flag == b"$":
            del self.incoming[fields["Message-ID"]]
            if known:
                self.messages.put_nowait((fields.get("Content-Disposition"), bytes(known)))
        elif flag == b"#":
            raise ValueError("a message was aborted")

    async def next(self):
        message = await asyncio.wait_for(self.messages.get(), PATIENCE)
        if isinstance(message, Exception):
            raise message
        return message


class Call:
    def __init__(self, socket, scenario):
        self.socket, self.scenario = socket, scenario
        self.connection = RTCPeerConnection()
        self.inbox = asyncio.Queue()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.released = asyncio.Event()
        self.stages = {}
        self.cause = None

    async def listen(self):
        async for text in self.socket:
            message = json.loads(text)
            if message["type"] == "stage" and message["state"] != "started":
                self.stages[message["stage"]] = message.get("reason", message["state"])
            if message["type"] == "released":
                self.cause = message["cause"]
                self.released.set()
            if message.get("call") == "a1" and message["type"] in ("answer", "incoming", "error", "released"):
                self.inbox.put_nowait(message)

    async def hears(self, kind):
        message = await asyncio.wait_for(self.inbox.get(), PATIENCE)
        if message["type"] != kind:
            raise RuntimeError(f"{message['type']} instead of {kind}: {message.get('text', message.get('cause'))}")
        return message

    async def tell(self, kind, **members):
        await self.socket.send(json.dumps({"type": kind, "call": "a1", **members}))

    def open(self, number):
        agreed = self.scenario["channel"] == "agreed"
        self.channel = self.connection.createDataChannel(
            "chat", protocol="msrp", negotiated=agreed, id=number if agreed else None)
        self.channel.on("open", self.opened.set)
        self.channel.on("close", self.closed.set)
        if self.channel.readyState == "open":
            self.opened.set()
        self.own = f"msrps://{token()}.invalid:2855/{token()};dc"
        return {"label": "chat", "subprotocol": "msrp", "dcep": not agreed, "id": number if agreed else None,
                "path": self.own, "setup": "active"}

    async def describe(self, description):
        await self.connection.setLocalDescription(description)
        return self.connection.localDescription.sdp

    async def accept(self, kind, message):
        await self.connection.setRemoteDescription(RTCSessionDescription(message["sdp"], kind))
        entry = message["channels"][0]
        self.peer, self.largest = entry["path"], entry.get("max", 65536)

    async def set_up(self):
        options = {"sctpPort": 5000, **self.scenario.get("options", {})}
        if self.scenario["by"] == "wic":
            channel = self.open(0)
            sdp = await self.describe(await self.connection.createOffer())
            if self.scenario["dtls"] == "passive":
                sdp = sdp.replace("a=setup:actpass", "a=setup:passive")
            await self.tell("offer", sdp=sdp, channels=[channel], options=options)
            await self.accept("answer", await self.hears("answer"))
        else:
            dcep = self.scenario["channel"] == "dcep"
            await self.tell("call-me", channels=[{"label": "chat", "dcep": dcep}], options=options)
            incoming = await self.hears("incoming")
            if self.scenario["dtls"] == "passive":
                incoming["sdp"] = incoming["sdp"].replace("a=setup:actpass", "a=setup:active")
            await self.accept("offer", incoming)
            channel = self.open(incoming["channels"][0].get("id"))
            sdp = await self.describe(await self.connection.createAnswer())
            await self.tell("answer", sdp=sdp, channels=[channel])
        await asyncio.wait_for(self.opened.wait(), PATIENCE)

    async def run(self):
        await self.set_up()
        msrp = Msrp(self.channel, self.own, self.peer, min(self.scenario["chunk"], self.largest - 2048))
        text = ("grapefruit" * (self.scenario["text"] // 10 + 1))[:self.scenario["text"]]
        await msrp.send(text.encode(), [("Content-Type", "text/plain")])
        _, echo = await msrp.next()
        if echo.decode() != text:
            raise RuntimeError("the echo differs")
        size = self.scenario["file"]
        if size:
            body = hashlib.shake_256(b"there").digest(size)
            disposition = f'attachment; filename="there.bin"; size={size}'
            await msrp.send(body, [("Content-Disposition", disposition), ("Content-Type", "application/octet-stream")])
            _, told = await msrp.next()
            if hashlib.sha256(body).hexdigest() not in told.decode():
                raise RuntimeError(f"the core says {told[:200]}")
            _, back = await msrp.next()
            if back != body:
                raise RuntimeError("the file that came back differs")
        if self.scenario["end"] == "channel":
            self.channel.close()
        if self.scenario["end"] == "core":
            await msrp.send(b"/close", [("Content-Type", "text/plain")])
        if self.scenario["end"] != "release":
            await asyncio.wait_for(self.closed.wait(), PATIENCE)
        if not self.released.is_set():
            await self.tell("release")
        await asyncio.wait_for(self.released.wait(), PATIENCE)
        return {"ok": True, "cause": self.cause, "stages": self.stages}


async def main(url, scenario):
    async with websockets.connect(url, max_size=1 << 22) as socket:
        call = Call(socket, scenario)
        listening = asyncio.ensure_future(call.listen())
        try:
            report = await call.run()
        except Exception as error:
            report = {"ok": False, "why": f"{type(error).__name__}: {error}", "stages": call.stages, "cause": call.cause}
        listening.cancel()
        await call.connection.close()
        print(json.dumps(report))
        return 0 if report["ok"] else 1


sys.exit(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]))))
