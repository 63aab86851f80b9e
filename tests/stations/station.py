"""A charging station that is not ours: OCPP 1.6 by the `ocpp` package, which checks every frame that it sends and gets
against the specification's JSON schemas. Prints what it saw, one JSON object a line.

    station.py URL IDENTITY PASSWORD SCENARIO
"""

import asyncio
import base64
import json
import sys
from datetime import datetime, timezone

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action


def say(what, **fields):
    print(json.dumps({"saw": what, **fields}), flush=True)


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Station(ChargePoint):
    stopped = None

    @on(Action.remote_start_transaction)
    def remote_start(self, id_tag, connector_id=None, **_):
        asyncio.get_event_loop().call_later(0.1, lambda: asyncio.create_task(self.charge(id_tag, connector_id or 1)))
        return call_result.RemoteStartTransaction(status="Accepted")

    @on(Action.remote_stop_transaction)
    def remote_stop(self, transaction_id):
        self.stopped.set_result(transaction_id)
        return call_result.RemoteStopTransaction(status="Accepted")

    @on(Action.reset)
    def reset(self, type):
        return call_result.Reset(status="Rejected")

    @on(Action.unlock_connector)
    def unlock(self, connector_id):
        return call_result.UnlockConnector(status="Unlocked")

    @on(Action.change_availability)
    def availability(self, connector_id, type):
        return call_result.ChangeAvailability(status="Scheduled")

    @on(Action.get_configuration)
    def configuration(self, key=None):
        keys = [{"key": "AuthorizationKey", "readonly": False, "value": "hunter2hunter2"}]
        return call_result.GetConfiguration(configuration_key=keys, unknown_key=["Nonsense"])

    @on(Action.change_configuration)
    def change(self, key, value):
        say("change", key=key, value=value)
        return call_result.ChangeConfiguration(status="RebootRequired")

    @on(Action.clear_cache)
    def clear(self):
        return call_result.ClearCache(status="Accepted")

    @on(Action.trigger_message)
    def trigger(self, requested_message, connector_id=None):
        return call_result.TriggerMessage(status="NotImplemented")

    @on(Action.data_transfer)
    def transfer(self, vendor_id, message_id=None, data=None):
        return call_result.DataTransfer(status="Accepted", data="pong")

    async def charge(self, id_tag, connector):
        self.stopped = asyncio.get_event_loop().create_future()
        begun = await self.call(
            call.StartTransaction(connector_id=connector, id_tag=id_tag, meter_start=1000, timestamp=now())
        )
        say("started", transaction=begun.transaction_id, status=begun.id_tag_info["status"])
        await self.call(call.StatusNotification(connector_id=connector, error_code="NoError", status="Charging"))
        values = [{"timestamp": now(), "sampled_value": [{"value": "1500", "unit": "Wh", "context": "Sample.Periodic"}]}]
        await self.call(
            call.MeterValues(connector_id=connector, transaction_id=begun.transaction_id, meter_value=values)
        )
        say("metered")
        transaction = await asyncio.wait_for(self.stopped, 30)
        await self.call(
            call.StopTransaction(transaction_id=transaction, meter_stop=2000, timestamp=now(), reason="Remote")
        )
        await self.call(call.StatusNotification(connector_id=connector, error_code="NoError", status="Available"))
        say("stopped", transaction=transaction)


async def main(url, identity, password):
    basic = base64.b64encode(f"{identity}:{password}".encode()).decode()
    async with websockets.connect(
        f"{url}/{identity}", subprotocols=["ocpp1.6"], additional_headers={"Authorization": f"Basic {basic}"}
    ) as socket:
        station = Station(identity, socket)
        reading = asyncio.create_task(station.start())
        booted = await station.call(call.BootNotification(charge_point_vendor="PyPI", charge_point_model="ocpp"))
        say("booted", status=booted.status, interval=booted.interval)
        await station.call(call.Heartbeat())
        for connector in (0, 1):
            await station.call(
                call.StatusNotification(connector_id=connector, error_code="NoError", status="Available")
            )
        for tag in ("04A2B3C4", "FFFFFFFF"):
            answer = await station.call(call.Authorize(id_tag=tag))
            say("authorized", tag=tag, status=answer.id_tag_info["status"])
        answer = await station.call(call.DataTransfer(vendor_id="org.example", message_id="x", data="y"))
        say("transferred", status=answer.status)
        say("ready")
        await reading


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except websockets.ConnectionClosed as closed:
        say("closed", code=closed.rcvd.code if closed.rcvd else None)
