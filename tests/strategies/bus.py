"""Units and peers for tests of the bus."""

import asyncio

from hil.modbus.server import Refusal
from hil.registers.schema import Table


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


class Memory:
    """20 holding registers from 100, 20 coils from 5, no inputs. The value 666 is refused."""

    def __init__(self, unit):
        self.unit = unit
        self.words = [0] * 20
        self.bits = [0] * 20

    def extent(self, table):
        return {Table.HOLDING: (100, 119), Table.COIL: (5, 24)}.get(table)

    def read(self, table, address, count):
        if table is Table.HOLDING:
            return self.words[address - 100 : address - 100 + count]
        return self.bits[address - 5 : address - 5 + count]

    def write(self, table, address, values):
        if 666 in values:
            raise Refusal(3)
        if table is Table.HOLDING:
            self.words[address - 100 : address - 100 + len(values)] = values
        else:
            self.bits[address - 5 : address - 5 + len(values)] = values
