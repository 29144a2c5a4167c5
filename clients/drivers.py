"""The two ways to perform the steps of an operation: blocking, and awaited. All input and output is here.

What a step raises is thrown into the operation, which may mend it (a retry) or tidy up (an interrupt).
"""

import asyncio
import time

import httpx

from clients.connection import Connection, is_event_stream, policy_part, request_options, stream_options
from clients.wire import Flow, Listen, Pause, Step, T


class Driver:
    """Performs operations one step after the other on httpx's blocking client."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(transport=transport, **connection.options())

    def close(self) -> None:
        self._http.close()

    def run(self, flow: Flow[T]) -> T:
        """The result of an operation. Raises what the operation raises."""
        try:
            step = next(flow)
            while True:
                try:
                    response = self._perform(step)
                except BaseException as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            result: T = end.value
            return result

    def _perform(self, step: Step) -> httpx.Response | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        if isinstance(step, Listen):
            return self._listen(step)
        if step.policy is None:
            return self._http.request(**request_options(step))
        with step.policy.open() as stream:
            return self._http.request(**request_options(step), files=policy_part(step.policy, stream))

    def _listen(self, step: Listen) -> httpx.Response:
        with self._http.stream(**stream_options(step)) as response:
            if is_event_stream(response):
                for line in response.iter_lines():
                    if step.reader.feed(line):
                        break
            return response


class AsyncDriver:
    """The same on httpx's asynchronous client."""

    def __init__(self, connection: Connection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(transport=transport, **connection.options())

    async def close(self) -> None:
        await self._http.aclose()

    async def run(self, flow: Flow[T]) -> T:
        """The result of an operation. Raises what the operation raises."""
        try:
            step = next(flow)
            while True:
                try:
                    response = await self._perform(step)
                except BaseException as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _perform(self, step: Step) -> httpx.Response | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        if isinstance(step, Listen):
            return await self._listen(step)
        if step.policy is None:
            return await self._http.request(**request_options(step))
        with step.policy.open() as stream:
            return await self._http.request(**request_options(step), files=policy_part(step.policy, stream))

    async def _listen(self, step: Listen) -> httpx.Response:
        async with self._http.stream(**stream_options(step)) as response:
            if is_event_stream(response):
                async for line in response.aiter_lines():
                    if step.reader.feed(line):
                        break
            return response
