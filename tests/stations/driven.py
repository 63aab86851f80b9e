"""A charging station that is not ours, driven line by line: OCPP 1.6 or 2.0.1 by the `ocpp` package, which checks every frame
in both directions against the specification's JSON schemas.

    driven.py URL IDENTITY PASSWORD 1.6|2.0.1

Reads {"call": ACTION, "payload": {...}}, {"answer": ACTION, "payload": {...}} (what it answers from now on) and
{"close": true}; prints {"result": {...}}, {"error": CODE}, {"got": ACTION, "payload": {...}} and {"invalid": WHY}.
"""

import asyncio
import base64
import json
import sys
import uuid

import websockets
from ocpp.messages import Call, CallResult, unpack, validate_payload

ANSWERS = {
    "GetConfiguration": {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]},
    "GetLocalListVersion": {"1.6": {"listVersion": 0}, "2.0.1": {"versionNumber": 0}},
    "UnlockConnector": {"status": "Unlocked"},
    "GetDiagnostics": {},
    "UpdateFirmware": {"1.6": {}, "2.0.1": {"status": "Accepted"}},
    "UnpublishFirmware": {"status": "Unpublished"},
    "CostUpdated": {},
    "GetTransactionStatus": {"messagesInQueue": False},
}


def say(**fields):
    print(json.dumps(fields), flush=True)


async def main(url, identity, password, version):
    basic = base64.b64encode(f"{identity}:{password}".encode()).decode()
    waiting, answers = {}, {}
    async with websockets.connect(
        f"{url}/{identity}", subprotocols=[f"ocpp{version}"], additional_headers={"Authorization": f"Basic {basic}"}
    ) as socket:
        say(connected=socket.subprotocol)

        async def answer(message):
            try:
                await validate_payload(message, version)
            except Exception as error:
                say(invalid=f"{message.action}: {error}: {getattr(error, 'details', '')}")
            payload = answers.get(message.action) or ANSWERS.get(message.action, {"status": "Accepted"})
            payload = payload.get(version, payload)
            reply = CallResult(message.unique_id, payload, action=message.action)
            try:
                await validate_payload(reply, version)
            except Exception as error:
                say(invalid=f"our own {message.action} answer: {error}: {getattr(error, 'details', '')}")
            await socket.send(reply.to_json())
            say(got=message.action, payload=message.payload)

        async def read():
            async for text in socket:
                message = unpack(text)
                if isinstance(message, Call):
                    await answer(message)
                elif message.unique_id in waiting:
                    waiting.pop(message.unique_id).set_result(message)
            say(closed=True)

        async def call(action, payload):
            message = Call(str(uuid.uuid4()), action, payload)
            try:
                await validate_payload(message, version)
            except Exception as error:
                return say(invalid=f"our own {action}: {error}: {getattr(error, 'details', '')}")
            waiting[message.unique_id] = asyncio.get_event_loop().create_future()
            reply = waiting[message.unique_id]
            await socket.send(message.to_json())
            reply = await asyncio.wait_for(reply, 60)
            if not isinstance(reply, CallResult):
                return say(error=reply.error_code, why=reply.error_description)
            reply.action = action
            try:
                await validate_payload(reply, version)
            except Exception as error:
                return say(invalid=f"answer to {action}: {error}: {getattr(error, 'details', '')}")
            say(result=reply.payload)

        reading = asyncio.create_task(read())
        loop = asyncio.get_event_loop()
        stdin = asyncio.StreamReader(limit=2**24)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
        while line := await stdin.readline():
            order = json.loads(line)
            if "call" in order:
                await call(order["call"], order["payload"])
            elif "answer" in order:
                answers[order["answer"]] = order["payload"]
            else:
                break
        reading.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
