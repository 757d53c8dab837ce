/** Deterministic CBOR (RFC 8949 §4.2.1) as records use it: unsigned and negative
 * integers, byte strings, text, arrays, maps with text or integer keys, booleans
 * and null. Anything that the encoder would not write is refused.
 *
 * Why it exists: an officer signs a header's bytes, not the node's JSON of them.
 */

export type Cbor = number | bigint | string | boolean | null | Uint8Array | Cbor[] | CborMap
export type CborMap = Map<string | number, Cbor>

/** Depth and items that a header may have at most. */
const DEPTH_MAX = 24
const ITEMS_MAX = 20_000

export class CborError extends Error {}

class Reader {
  private at = 0
  private items = 0
  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at === this.bytes.length
  }

  private take(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) throw new CborError('it breaks off')
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  private argument(info: number): number | bigint {
    if (info < 24) return info
    const width = { 24: 1, 25: 2, 26: 4, 27: 8 }[info]
    if (width === undefined) throw new CborError('an indefinite or reserved length')
    let value = 0n
    for (const byte of this.take(width)) value = (value << 8n) | BigInt(byte)
    const least = { 1: 24n, 2: 0x100n, 4: 0x1_0000n, 8: 0x1_0000_0000n }[width] ?? 0n
    if (value < least) throw new CborError('a number that is not in its shortest form')
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  }

  private length(info: number): number {
    const value = this.argument(info)
    if (typeof value !== 'number' || value > this.bytes.length) throw new CborError('a length beyond the end')
    return value
  }

  value(depth = 0): Cbor {
    if (depth > DEPTH_MAX) throw new CborError('nested too deep')
    if (++this.items > ITEMS_MAX) throw new CborError('too many items')
    const first = this.take(1)[0] ?? 0
    const info = first & 31
    switch (first >> 5) {
      case 0:
        return this.argument(info)
      case 1: {
        const value = this.argument(info)
        return typeof value === 'number' ? -1 - value : -1n - value
      }
      case 2:
        return this.take(this.length(info)).slice()
      case 3:
        return new TextDecoder('utf-8', { fatal: true }).decode(this.take(this.length(info)))
      case 4:
        return Array.from({ length: this.length(info) }, () => this.value(depth + 1))
      case 5:
        return this.map(this.length(info), depth)
      case 7:
        if (info === 20) return false
        if (info === 21) return true
        if (info === 22) return null
        throw new CborError('a float or an unknown simple value')
      default:
        throw new CborError('a tag')
    }
  }

  private map(count: number, depth: number): CborMap {
    const map: CborMap = new Map()
    let last: Uint8Array | null = null
    for (let i = 0; i < count; i++) {
      const begin = this.at
      const key = this.value(depth + 1)
      if (typeof key !== 'string' && typeof key !== 'number') throw new CborError('an odd key')
      const encoded = this.bytes.subarray(begin, this.at)
      if (last && compare(last, encoded) >= 0) throw new CborError('keys out of order or repeated')
      last = encoded
      map.set(key, this.value(depth + 1))
    }
    return map
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Decodes one value that fills the bytes. */
export function decode(bytes: Uint8Array): Cbor {
  const reader = new Reader(bytes)
  const value = reader.value()
  if (!reader.done) throw new CborError('bytes after the end')
  return value
}

function head(major: number, value: number | bigint): Uint8Array {
  const n = BigInt(value)
  if (n < 24n) return Uint8Array.of((major << 5) | Number(n))
  const width = n < 0x100n ? 1 : n < 0x1_0000n ? 2 : n < 0x1_0000_0000n ? 4 : 8
  const bytes = new Uint8Array(1 + width)
  bytes[0] = (major << 5) | (24 + Math.log2(width))
  for (let i = 0; i < width; i++) bytes[1 + i] = Number((n >> BigInt(8 * (width - 1 - i))) & 0xffn)
  return bytes
}

/** Joins bytes. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Writes a decoded value again: the same bytes, since there is but one form of them
 * and maps keep the order in which they were read. */
export function encode(value: Cbor): Uint8Array {
  if (typeof value === 'number' || typeof value === 'bigint')
    return value < 0 ? head(1, -1n - BigInt(value)) : head(0, value)
  if (value === null) return Uint8Array.of(0xf6)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xf5 : 0xf4)
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value)
    return joined([head(3, bytes.length), bytes])
  }
  if (value instanceof Uint8Array) return joined([head(2, value.length), value])
  if (Array.isArray(value)) return joined([head(4, value.length), ...value.map(encode)])
  return joined([head(5, value.size), ...[...value].flatMap(([key, of]) => [encode(key), encode(of)])])
}

export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new CborError('it is not hex')
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compare(a, b) === 0
}
