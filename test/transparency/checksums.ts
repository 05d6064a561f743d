import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * The digest `name` of `bytes` as in `x-amz-checksum-NAME`: base64, big-endian. `undefined` for an unknown
 * algorithm. (S3 User Guide, "Checking object integrity")
 */
export function checksum(name: string, bytes: Uint8Array): string | undefined {
  switch (name) {
    case 'crc32':
      return bigEndian(BigInt(crc32(bytes)), 4)
    case 'crc32c':
      return bigEndian(reflected(bytes, 0x82f63b78n, 32), 4)
    case 'crc64nvme':
      return bigEndian(reflected(bytes, 0x9a6c9329ac4bc9b5n, 64), 8)
    case 'sha1':
    case 'sha256':
      return createHash(name).update(bytes).digest('base64')
  }
  return undefined
}

/** A CRC with a bit-reversed polynomial; initial value and final XOR are all ones. */
function reflected(bytes: Uint8Array, polynomial: bigint, width: number): bigint {
  const ones = (1n << BigInt(width)) - 1n
  const table = Array.from({ length: 256 }, (_, index) => {
    let entry = BigInt(index)
    for (let bit = 0; bit < 8; bit++) entry = entry & 1n ? (entry >> 1n) ^ polynomial : entry >> 1n
    return entry
  })
  let rest = ones
  for (const byte of bytes) rest = (rest >> 8n) ^ (table[Number((rest ^ BigInt(byte)) & 0xffn)] ?? 0n)
  return rest ^ ones
}

function bigEndian(value: bigint, bytes: number): string {
  return Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64')
}
