import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Act, CaseCard, Prepared } from '../src/api/types'
import { type Cbor, decode, fromHex, toHex } from '../src/sign/cbor'
import {
  challengeOf,
  check,
  compareStatement,
  computingOf,
  credentialOf,
  type Header,
  NotAsked,
  readHeader,
  type Who,
} from '../src/sign/header'

const GOLDEN = new URL('../../crates/docket/tests/golden/', import.meta.url)
const GOLDEN_JOINT = new URL('../../crates/docket/tests/golden-joint/', import.meta.url)
const golden = (kind: string, from = GOLDEN): Uint8Array => {
  const record = decode(fromHex(readFileSync(new URL(`${kind}.hex`, from), 'utf8').replace(/\s/g, '')))
  if (!Array.isArray(record) || !(record[2] instanceof Uint8Array)) throw new Error('no record')
  return record[2]
}
const refused = (act: unknown, kind: string, beside = {}) =>
  expect(() => compareStatement(act as Act, readHeader(golden(kind)), beside)).toThrow(NotAsked)

/** Enough of an encoder to build what a lying node would send. */
function encode(value: unknown): number[] {
  const head = (major: number, n: number): number[] => {
    if (n < 24) return [(major << 5) | n]
    if (n < 256) return [(major << 5) | 24, n]
    if (n < 65_536) return [(major << 5) | 25, n >> 8, n & 255]
    const bytes: number[] = []
    for (let big = BigInt(n), i = 0; i < 8; i++, big >>= 8n) bytes.unshift(Number(big & 255n))
    return n < 2 ** 32 ? [(major << 5) | 26, ...bytes.slice(4)] : [(major << 5) | 27, ...bytes]
  }
  if (value === null) return [0xf6]
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') {
    const bytes = [...new TextEncoder().encode(value)]
    return [...head(3, bytes.length), ...bytes]
  }
  if (value instanceof Uint8Array) return [...head(2, value.length), ...value]
  if (Array.isArray(value)) return [...head(4, value.length), ...value.flatMap(encode)]
  const entries = (value instanceof Map ? [...value] : Object.entries(value as object)).map(
    ([k, v]) => [encode(k), encode(v)] as const,
  )
  entries.sort((a, b) => (toHex(Uint8Array.from(a[0])) < toHex(Uint8Array.from(b[0])) ? -1 : 1))
  return [...head(5, entries.length), ...entries.flatMap(([k, v]) => [...k, ...v])]
}
const bytes = (value: unknown) => Uint8Array.from(encode(value))

describe('headers that the ledger’s own code wrote', () => {
  const kinds = readdirSync(GOLDEN)
    .filter((name) => name.endsWith('.hex'))
    .map((name) => name.replace('.hex', ''))
  test('there is one of every kind', () => expect(kinds.length).toBeGreaterThan(18))
  test.each(kinds.filter((kind) => !kind.includes('passkey') && !kind.includes('assertion')))('%s is read', (kind) => {
    const header = readHeader(golden(kind))
    expect(kind.startsWith(header.statement.kind)).toBe(true)
    expect(header.network).toHaveLength(64)
  })
})

describe('an act and its statement', () => {
  const revoked = readHeader(golden('warrant-revoked'))
  const asked = readHeader(golden('question-asked'))
  const act = (more: object) => ({
    act: 'ask',
    warrant: asked.warrant,
    template: asked.statement.fields.get('template'),
    ...more,
  })

  test('what was asked passes', () => {
    compareStatement({ act: 'revoke-warrant', warrant: revoked.warrant ?? '', reason: 'x' }, revoked, {})
    compareStatement(act({}) as Act, asked, {})
  })
  test('another kind, warrant, template, more hops, more rows, other custodians are refused', () => {
    refused({ act: 'revoke-warrant', warrant: '00'.repeat(16) }, 'warrant-revoked')
    refused({ act: 'refuse-warrant', warrant: revoked.warrant }, 'warrant-revoked')
    refused(act({ template: 'other' }), 'question-asked')
    refused(act({ hops: Number(asked.statement.fields.get('hops')) - 1 }), 'question-asked')
    refused(act({ answer_cap: Number(asked.statement.fields.get('answer_cap')) - 1 }), 'question-asked')
    refused(act({ custodians: ['nobody'] }), 'question-asked')
  })
  test('about another question is refused', () => {
    for (const [name, kind] of [
      ['approve', 'approved'],
      ['refuse', 'refused'],
      ['open-answer', 'answer-disclosed'],
      ['export-bundle', 'bundle-exported'],
    ] as const)
      refused({ act: name, question: 'ff'.repeat(32), reason: '' }, kind)
    refused({ act: 'narrow', question: 'ff'.repeat(32), hops: 1, answer_cap: 1, reason: '' }, 'narrowed')
  })
  test('other numbers, forms and rules than were typed are refused', () => {
    const passed = readHeader(golden('passed-on'))
    const pass = {
      act: 'pass-on',
      question: toHex(passed.statement.fields.get('question') as Uint8Array),
      form: 'csv',
      reason: 'x',
    } as Act
    compareStatement(pass, passed, {})
    refused({ ...pass, form: 'pdf' }, 'passed-on')
    refused({ ...pass, question: 'ff'.repeat(32) }, 'passed-on')
    const noticed = readHeader(golden('notice-given'))
    const give = { act: 'give-notice', warrant: noticed.warrant, told: 11, withheld: 1, reason: 'x' } as Act
    compareStatement(give, noticed, {})
    refused({ ...give, told: 12 }, 'notice-given')
    refused({ ...give, withheld: 0 }, 'notice-given')
    refused({ ...give, warrant: '00'.repeat(16) }, 'notice-given')
    const changed = readHeader(golden('rules-changed'))
    const rule = { name: 'small-cases', template: 'identify', answer_cap: 100, hops: 1, subjects: 20 }
    const change = { act: 'change-rules', replaces: '03'.repeat(32), rules: [rule], reason: 'x' } as Act
    compareStatement(change, changed, {})
    refused({ ...change, replaces: null }, 'rules-changed')
    for (const rules of [
      [],
      [rule, rule],
      [{ ...rule, answer_cap: 99 }],
      [{ ...rule, hops: 2 }],
      [{ ...rule, subjects: 21 }],
      [{ ...rule, template: 'call-contacts' }],
      [{ ...rule, name: 'other' }],
      [{ ...rule, computing: ['bank_a'] }],
    ])
      refused({ ...change, rules }, 'rules-changed')
    const computing = (ids: string[]) => computingOf(new Map<string, Cbor>([['computing', ids]]))
    expect(computing(['telecom_a', 'bank_a'])).toEqual(['bank_a', 'telecom_a'])
    expect(computingOf(new Map())).toEqual([])
    expect(() => computingOf(new Map<string, Cbor>([['computing', 1]]))).toThrow()
  })
  test('an order that is wider than the draft is refused', () => {
    const issued = readHeader(golden('warrant-issued'))
    const terms = issued.statement.fields.get('terms') as Map<string, never>
    const before = Object.fromEntries(terms) as unknown as CaseCard
    const same = { act: 'issue-warrant', warrant: issued.warrant } as Act
    compareStatement(same, issued, { before })
    refused(same, 'warrant-issued')
    refused(same, 'warrant-issued', { before: { ...before, hops: before.hops - 1 } })
    refused(same, 'warrant-issued', { before: { ...before, custodians: [] } })
    refused(same, 'warrant-issued', { before: { ...before, subjects: before.subjects + 1 } })
    refused({ ...same, life_ms: 1 }, 'warrant-issued', { before })
  })
  const draftOf = (drafted: Header) => {
    const terms = Object.fromEntries(drafted.statement.fields.get('terms') as Map<string, never>) as Record<
      string,
      never
    >
    return {
      act: 'draft-warrant',
      authority: drafted.statement.fields.get('authority'),
      ...terms,
      life_ms: terms['expires_ms']! - terms['not_before_ms']!,
      subjects: Array.from({ length: terms['subjects']! }, (_, i) => `phone:${i}`),
      scenes: Array.from({ length: terms['scenes'] ?? 0 }, (_, i) => ({ cell: i, from_ms: 1, to_ms: 2 })),
      not_before_ms: null,
    }
  }
  test('a draft over other terms is refused', () => {
    const drafted = readHeader(golden('warrant-drafted'))
    const draft = draftOf(drafted)
    compareStatement(draft as unknown as Act, drafted, {})
    refused({ ...draft, authority: 'other' }, 'warrant-drafted')
    refused({ ...draft, subjects: [] }, 'warrant-drafted')
    refused({ ...draft, runs: 99 }, 'warrant-drafted')
    refused({ ...draft, life_ms: 1 }, 'warrant-drafted')
  })
  test('a draft or an order with other scenes than were asked is refused', () => {
    const drafted = readHeader(golden('warrant-drafted', GOLDEN_JOINT))
    const draft = draftOf(drafted)
    expect(draft.scenes).toHaveLength(3)
    compareStatement(draft as unknown as Act, drafted, {})
    const no = (act: unknown, header: Header, beside = {}) =>
      expect(() => compareStatement(act as Act, header, beside)).toThrow('another number of scenes')
    no({ ...draft, scenes: draft.scenes.slice(1) }, drafted)
    no({ ...draft, scenes: undefined }, drafted)
    no(
      { ...draftOf(readHeader(golden('warrant-drafted'))), scenes: draft.scenes },
      readHeader(golden('warrant-drafted')),
    )
    const issued = readHeader(golden('warrant-issued'))
    const terms = issued.statement.fields.get('terms') as Map<string, never>
    const before = Object.fromEntries(terms) as unknown as CaseCard
    const issue = { act: 'issue-warrant', warrant: issued.warrant }
    no(issue, issued, { before, scenes: 1 })
    terms.set('scenes', 3 as never)
    compareStatement(issue as Act, issued, { before, scenes: 3 })
    no(issue, issued, { before, scenes: 2 })
    no(issue, issued, { before })
  })
  test('a question for rows is not one for their count alone', () => {
    const counted = readHeader(golden('question-asked', GOLDEN_JOINT))
    const ask = act({ warrant: counted.warrant, template: counted.statement.fields.get('template') })
    compareStatement({ ...ask, count_only: true } as Act, counted, {})
    const no = (asks: unknown, header: Header) =>
      expect(() => compareStatement(asks as Act, header, {})).toThrow(/count/)
    no(ask, counted)
    no({ ...ask, count_only: false }, counted)
    no(act({ count_only: true }), asked)
    const joint = counted.statement.fields.get('joint') as Map<string, never>
    joint.delete('count_only')
    no({ ...ask, count_only: true }, counted)
  })
})

describe('the credential that an officer is given', () => {
  test('is named by the digest of its bytes, as the ledger names it', async () => {
    const record = readFileSync(new URL('officer-proposed.hex', GOLDEN), 'utf8').replace(/\s/g, '')
    // The passkey's own bytes: key, relying party, origin; then the institution.
    const from = record.indexOf('a3636b6579a16565733235')
    const until = record.indexOf(Buffer.from('kinstitution').toString('hex'))
    const bytes = Buffer.from(record.slice(from, until), 'hex')
    const u64 = (n: number) => Buffer.from(new BigUint64Array([BigInt(n)]).buffer)
    const domain = Buffer.from('cordon/passkey/v1')
    const digest = createHash('sha256')
      .update(Buffer.concat([u64(domain.length), domain, u64(bytes.length), bytes]))
      .digest('hex')
    expect(await credentialOf(readHeader(golden('officer-proposed')))).toBe(`passkey:${digest}`)
    expect(await credentialOf(readHeader(golden('officer-confirmed')))).toBeNull()
  })
})

describe('everything before the passkey is asked', () => {
  const network = '01'.repeat(32)
  const now = 1_764_000_000_000
  const who: Who = { network, institution: 'police', officer: 'inv-1', credential: `passkey:${'0c'.repeat(32)}` }
  const question = '0a'.repeat(32)
  const act: Act = { act: 'open-answer', question }
  const make = async (more: object = {}, structure: object = {}) => {
    const header = bytes({
      parts: [],
      follows: [],
      network: fromHex(network),
      officer: 'inv-1',
      time_ms: now,
      warrant: new Uint8Array(16),
      institution: 'police',
      statement: { 'answer-disclosed': { rows: 3, question: fromHex(question) } },
      ...more,
    })
    const parts = {
      context: 'Signature1',
      guarded: bytes(
        new Map<number, unknown>([
          [1, -7],
          [3, 'application/cordon-record+cbor'],
          [4, fromHex('0c'.repeat(32))],
        ]),
      ),
      external: new TextEncoder().encode('cordon/record/v1'),
      payload: header,
      ...structure,
    }
    const toSign = bytes([parts.context, parts.guarded, parts.external, parts.payload])
    return {
      id: '0',
      to_sign: toHex(toSign),
      header: toHex(header),
      header_json: {},
      summary: [],
      assertion: { challenge: await challengeOf(toSign) },
    } as unknown as Prepared
  }
  const no = async (prepared: Prepared | Promise<Prepared>, someone = who) =>
    expect(check(act, await prepared, someone, {}, now)).rejects.toThrow(NotAsked)

  test('an honest record passes', async () => {
    expect((await check(act, await make(), who, {}, now)).institution).toBe('police')
  })
  test('a confirmation is of the very record that was shown', async () => {
    const bytes = readFileSync(new URL('officer-proposed.hex', GOLDEN), 'utf8').trim()
    const shown = readHeader(golden('officer-proposed'))
    const officer = {
      officer: String(shown.statement.fields.get('officer')),
      duties: shown.statement.fields.get('duties') as string[],
      credential: (await credentialOf(shown)) ?? '',
    }
    const domain = new TextEncoder().encode('cordon/record/v1')
    const u64 = (n: number) => [n & 255, n >> 8, 0, 0, 0, 0, 0, 0]
    const raw = fromHex(bytes)
    const all = Uint8Array.from([...u64(domain.length), ...domain, ...u64(raw.length), ...raw])
    const proposal = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', all)))
    const confirm: Act = { act: 'confirm-officer', proposal }
    const prepared = await make({ statement: { 'officer-confirmed': { proposal: fromHex(proposal) } } })
    const tried = (beside: object) => check(confirm, prepared, who, beside, now)
    await tried({ officer, proposal: bytes })
    const lies = [
      {},
      { officer },
      { officer, proposal: bytes.replace(/.$/, (c) => (c === '0' ? '1' : '0')) },
      { officer: { ...officer, credential: `passkey:${'ab'.repeat(32)}` }, proposal: bytes },
      { officer: { ...officer, officer: 'another' }, proposal: bytes },
      { officer: { ...officer, duties: ['judge'] }, proposal: bytes },
    ]
    for (const lie of lies) await expect(tried(lie)).rejects.toThrow(NotAsked)
  })
  test('another network, institution, officer or time is refused', async () => {
    await no(make({ network: new Uint8Array(32) }))
    await no(make({ institution: 'bank_a' }))
    await no(make({ officer: 'inv-2' }))
    await no(make({ officer: null }))
    await no(make({ time_ms: now - 11 * 60_000 }))
    await no(make({ statement: { approved: { question: fromHex(question) } } }))
  })
  test('another passkey under the name that was compared is refused', async () => {
    const credential = {
      passkey: { raw_id: new Uint8Array(4), passkey: { key: { es256: new Uint8Array(33) }, rp_id: 'a', origin: 'b' } },
    }
    const prepared = await make({
      warrant: null,
      statement: { 'officer-proposed': { duties: ['judge'], officer: 'j', credential } },
    })
    const propose = { act: 'propose-officer', registration: '00' } as unknown as Act
    const mine = (await credentialOf(readHeader(fromHex(prepared.header)))) ?? ''
    const officer = { officer: 'j', duties: ['judge'], credential: mine }
    expect((await check(propose, prepared, who, { officer }, now)).credential).toBe(mine)
    await expect(
      check(propose, prepared, who, { officer: { ...officer, credential: `passkey:${'0'.repeat(64)}` } }, now),
    ).rejects.toThrow('another credential')
  })
  test('bytes to sign that are not the header’s are refused', async () => {
    const honest = await make()
    const other = await make({ time_ms: now + 1 })
    await no({ ...honest, to_sign: other.to_sign, assertion: other['assertion'] } as Prepared)
    await no(make({}, { external: new TextEncoder().encode('cordon/other/v1') }))
    await no(make({}, { context: 'CounterSignature' }))
    await no(make({}, { guarded: bytes(new Map([[3, 'text/plain']])) }))
    await no(make(), { ...who, credential: `passkey:${'0d'.repeat(32)}` })
  })
  test('a challenge that is not of these bytes, or none, is refused', async () => {
    const honest = await make()
    const other = await make({ time_ms: now + 1 })
    await no({ ...honest, assertion: other['assertion'] } as Prepared)
    await no({ ...honest, assertion: null } as unknown as Prepared)
  })
})
