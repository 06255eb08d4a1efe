"""main.py nghttp2|hpack FILE: reads a client's connection by the decoder of libnghttp2 or of the package hpack, and prints each
head: "head", then its fields, in their order."""
import ctypes
import sys

HEADERS, CONTINUATION, END_HEADERS, PADDED = 1, 9, 4, 8


class Field(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("value", ctypes.c_void_p), ("name_bytes", ctypes.c_size_t),
                ("value_bytes", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


class Nghttp2:
    EMIT, FINAL = 2, 1

    def __init__(self):
        self.library = ctypes.CDLL("libnghttp2.so.14")
        self.library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.inflater = ctypes.c_void_p()
        self.library.nghttp2_hd_inflate_new(ctypes.byref(self.inflater))
        self.library.nghttp2_hd_inflate_change_table_size(self.inflater, ctypes.c_size_t(65536))

    def decode(self, block):
        fields, flags, field = [], ctypes.c_int(), Field()
        while not flags.value & self.FINAL:
            flags.value = 0
            used = self.library.nghttp2_hd_inflate_hd2(self.inflater, ctypes.byref(field), ctypes.byref(flags), block,
                                                       ctypes.c_size_t(len(block)), 1)
            if used < 0:
                sys.exit(f"nghttp2: {used}")
            block = block[used:]
            if flags.value & self.EMIT:
                fields.append((ctypes.string_at(field.name, field.name_bytes),
                               ctypes.string_at(field.value, field.value_bytes)))
        self.library.nghttp2_hd_inflate_end_headers(self.inflater)
        return fields


class Hpack:
    def __init__(self):
        import hpack
        self.decoder = hpack.Decoder()
        self.decoder.max_allowed_table_size = 65536
        self.decoder.max_header_list_size = 1 << 20

    def decode(self, block):
        return [(bytes(n), bytes(v)) for n, v in self.decoder.decode(block, raw=True)]


def main():
    decoder = {"nghttp2": Nghttp2, "hpack": Hpack}[sys.argv[1]]()
    with open(sys.argv[2], "rb") as file:
        data = file.read()
    at, block = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), b""
    while at < len(data):
        size, kind, flags = int.from_bytes(data[at:at + 3], "big"), data[at + 3], data[at + 4]
        payload = data[at + 9:at + 9 + size]
        at += 9 + size
        if kind not in (HEADERS, CONTINUATION):
            continue
        block += payload[1:size - payload[0]] if flags & PADDED and kind == HEADERS else payload
        if flags & END_HEADERS:
            sys.stdout.buffer.write(b"head\n" + b"".join(b"%b: %b\n" % field for field in decoder.decode(block)))
            block = b""


main()
