import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CborError, decode, encode, fromHex, toHex } from '../src/sign/cbor'

const GOLDEN = new URL('../../crates/docket/tests/golden/', import.meta.url)
const value = (hex: string) => decode(fromHex(hex))

describe('deterministic CBOR', () => {
  test.each([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1b0000018bcfe56800', 1_700_000_000_000],
    ['20', -1],
    ['3863', -100],
    ['f5', true],
    ['f6', null],
    ['63e4bba4', '令'],
    ['820102', [1, 2]],
  ])('%s', (hex, expected) => {
    expect(value(hex)).toEqual(expected)
    expect(toHex(encode(value(hex)))).toBe(hex)
  })
  test.each(readdirSync(GOLDEN).filter((name) => name.endsWith('.hex')))('%s is written again byte by byte', (name) => {
    const hex = readFileSync(new URL(name, GOLDEN), 'utf8').replace(/\s/g, '')
    expect(toHex(encode(value(hex)))).toBe(hex)
  })

  test('bytes and maps', () => {
    expect(toHex(value('43010203') as Uint8Array)).toBe('010203')
    expect(value('a2616101616202')).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    )
  })

  test.each([
    ['1817', 'a longer form than needed'],
    ['190018', 'a longer form than needed'],
    ['5f42010243030405ff', 'an indefinite length'],
    ['c000', 'a tag'],
    ['f93c00', 'a float'],
    ['a2616202616101', 'keys out of order'],
    ['a2616101616102', 'a key twice'],
    ['8201', 'an end too early'],
    ['0000', 'bytes after the end'],
    ['61ff', 'text that is not UTF-8'],
    ['9b7fffffffffffffff', 'a length beyond the end'],
    ['81'.repeat(40) + '00', 'nested too deep'],
  ])('refuses %s: %s', (hex) => expect(() => value(hex)).toThrow())

  test('hex of odd length or other letters is refused', () => {
    expect(() => fromHex('abc')).toThrow(CborError)
    expect(() => fromHex('zz')).toThrow(CborError)
  })
})
