"""Does an Arrow stream compress its buffers? pyarrow would unpack them before their size can be asked.

Asked of the messages' own headers, FlatBuffers after Message.fbs and Schema.fbs of the Arrow format 1.5.
"""

import struct

import pyarrow as pa

_HEADER, _DICTIONARY_DATA, _COMPRESSION = 2, 1, 3  # fields by their place in the schema files
_I32, _U32, _U16 = struct.Struct("<i"), struct.Struct("<I"), struct.Struct("<H")


def has_compressed_buffers(body: pa.Buffer) -> bool:
    """Of any record batch or dictionary; the messages are looked at, not read."""
    return any(_is_compressed(message) for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)))


def _is_compressed(message: pa.ipc.Message) -> bool:
    if message.type not in {"record batch", "dictionary"}:
        return False
    metadata = message.metadata.to_pybytes()
    batch = _table(metadata, _U32.unpack_from(metadata)[0], _HEADER)
    if message.type == "dictionary" and batch is not None:
        batch = _table(metadata, batch, _DICTIONARY_DATA)
    return batch is not None and _field(metadata, batch, _COMPRESSION) is not None


def _field(metadata: bytes, table: int, place: int) -> int | None:
    """Where a table's field stands; None where it is left out."""
    names = table - _I32.unpack_from(metadata, table)[0]
    entry = 4 + 2 * place
    if entry >= _U16.unpack_from(metadata, names)[0]:
        return None
    offset = _U16.unpack_from(metadata, names + entry)[0]
    return table + offset if offset else None


def _table(metadata: bytes, table: int, place: int) -> int | None:
    field = _field(metadata, table, place)
    return None if field is None else field + _U32.unpack_from(metadata, field)[0]
