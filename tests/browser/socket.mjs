// The least of RFC 6455 that a test needs: the handshake, text frames both ways, close.

import { createHash } from "node:crypto";

/** Accepts an upgrade; gives `{send, close, onText}`. */
export function accept(request, socket) {
  const digest = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${digest}\r\nSec-WebSocket-Protocol: boxoffice.seat.v1\r\n\r\n`,
  );
  const peer = { onText: () => {}, onClose: () => {}, send: (value) => write(socket, 1, Buffer.from(JSON.stringify(value))), close: () => socket.destroy() };
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let frame = read(rest); frame; frame = read(rest)) {
      rest = rest.subarray(frame.length);
      if (frame.opcode === 1) peer.onText(frame.payload.toString());
      if (frame.opcode === 8) socket.end();
    }
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => peer.onClose());
  return peer;
}

function write(socket, opcode, payload) {
  if (socket.destroyed) return;
  const { length } = payload;
  let head;
  if (length < 126) head = Buffer.from([0x80 | opcode, length]);
  else if (length < 65536) {
    head = Buffer.from([0x80 | opcode, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = 0x80 | opcode;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  socket.write(Buffer.concat([head, payload]));
}

/** A whole masked frame from a client, or null. Clients' frames here are short. */
function read(bytes) {
  if (bytes.length < 6) return null;
  let length = bytes[1] & 0x7f;
  let at = 2;
  if (length === 126) {
    if (bytes.length < 8) return null;
    length = bytes.readUInt16BE(2);
    at = 4;
  }
  if (bytes.length < at + 4 + length) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
  for (let index = 0; index < length; index++) payload[index] ^= mask[index & 3];
  return { opcode: bytes[0] & 0x0f, payload, length: at + 4 + length };
}
