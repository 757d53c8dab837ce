/** Reads a prepared record's header and compares it with what was asked.
 *
 * Why it exists: the node prepares what an officer signs, and might be wrong or
 * captured. What is signed is decoded here from its bytes and must say what the
 * officer asked for, at this network, for this institution, now.
 *
 * Invariants: every act has a comparison; a statement that is not the act's is
 * refused; nothing is taken from `header_json` or `summary`.
 */
import type { Act, CaseCard, Prepared } from '../api/types'
import { type Cbor, type CborMap, CborError, decode, encode, fromHex, joined, same, toHex } from './cbor'

/** Furthest that a record's time may be from this machine's. */
const SKEW_MS_MAX = 10 * 60 * 1000

export interface Who {
  network: string
  institution: string
  officer: string | null
  credential: string | null
}

export interface Statement {
  kind: string
  fields: CborMap
}

export interface Header {
  network: string
  institution: string
  officer: string | null
  warrant: string | null
  time_ms: number
  follows: string[]
  parts: { label: string; readers: string[]; bytes: number }[]
  statement: Statement
  /** The id of the credential that the statement gives an officer, computed from its bytes. */
  credential?: string | null
}

/** The node prepared something other than what was asked. */
export class NotAsked extends Error {
  readonly what: string
  constructor(what: string) {
    super(what)
    this.name = 'NotAsked'
    this.what = what
  }
}

function ensure(holds: boolean, what: string): asserts holds {
  if (!holds) throw new NotAsked(what)
}

const isMap = (value: Cbor | undefined): value is CborMap => value instanceof Map

export function text(map: CborMap, key: string): string {
  const value = map.get(key)
  ensure(typeof value === 'string', `no text “${key}”`)
  return value
}
export function number(map: CborMap, key: string): number {
  const value = map.get(key)
  ensure(typeof value === 'number', `no number “${key}”`)
  return value
}
export function hex(map: CborMap, key: string): string {
  const value = map.get(key)
  ensure(value instanceof Uint8Array, `no bytes “${key}”`)
  return toHex(value)
}
export function texts(map: CborMap, key: string): string[] {
  const value = map.get(key)
  ensure(Array.isArray(value) && value.every((v) => typeof v === 'string'), `no list “${key}”`)
  return value as string[]
}
export function map(of: CborMap, key: string): CborMap {
  const value = of.get(key)
  ensure(isMap(value), `no map “${key}”`)
  return value
}

/** Decodes a header's bytes. */
export function readHeader(bytes: Uint8Array): Header {
  let root: Cbor
  try {
    root = decode(bytes)
  } catch (error) {
    throw new NotAsked(error instanceof CborError ? error.message : 'its header does not decode')
  }
  ensure(isMap(root), 'its header is no map')
  const statement = map(root, 'statement')
  const [entry, more] = [...statement.entries()]
  ensure(entry !== undefined && more === undefined, 'it states not exactly one thing')
  const [kind, fields] = entry
  ensure(typeof kind === 'string' && isMap(fields), 'its statement has no kind')
  const officer = root.get('officer')
  const warrant = root.get('warrant')
  const parts = root.get('parts')
  const follows = root.get('follows')
  ensure(Array.isArray(parts) && parts.every(isMap), 'its parts are no list')
  ensure(Array.isArray(follows), 'its predecessors are no list')
  return {
    network: hex(root, 'network'),
    institution: text(root, 'institution'),
    officer: typeof officer === 'string' ? officer : null,
    warrant: warrant instanceof Uint8Array ? toHex(warrant) : null,
    time_ms: number(root, 'time_ms'),
    follows: follows.map((digest) => (digest instanceof Uint8Array ? toHex(digest) : '?')),
    parts: (parts as CborMap[]).map((part) => ({
      label: text(part, 'label'),
      readers: texts(part, 'readers'),
      bytes: number(part, 'bytes'),
    })),
    statement: { kind, fields },
  }
}

const CONTENT_TYPE = 'application/cordon-record+cbor'
const EXTERNAL = new TextEncoder().encode('cordon/record/v1')

/** Sees that the bytes to sign are a COSE Sig_structure over this header. */
export function checkToSign(toSign: Uint8Array, header: Uint8Array, credential: string | null): void {
  let structure: Cbor
  try {
    structure = decode(toSign)
  } catch {
    throw new NotAsked('the bytes to sign are no Sig_structure')
  }
  ensure(Array.isArray(structure) && structure.length === 4, 'the bytes to sign are no Sig_structure')
  const [context, guarded, external, payload] = structure
  ensure(context === 'Signature1', 'the bytes to sign are no Sig_structure')
  ensure(external instanceof Uint8Array && same(external, EXTERNAL), 'it is signed for another purpose')
  ensure(payload instanceof Uint8Array && same(payload, header), 'it asks to sign other bytes than its header’s')
  ensure(guarded instanceof Uint8Array, 'it has no protected header')
  const protectedMap = decode(guarded)
  ensure(isMap(protectedMap) && protectedMap.get(3) === CONTENT_TYPE, 'it is no record')
  const kid = protectedMap.get(4)
  const mine = credential?.replace(/^passkey:/, '')
  ensure(mine === undefined || (kid instanceof Uint8Array && toHex(kid).endsWith(mine)), 'it is for another credential')
}

/** SHA-256 of bytes under a domain, as every digest of ours is made. */
async function digestOf(domain: string, bytes: Uint8Array): Promise<Uint8Array> {
  const u64 = (value: number) => {
    const eight = new Uint8Array(8)
    new DataView(eight.buffer).setBigUint64(0, BigInt(value), true)
    return eight
  }
  const name = new TextEncoder().encode(domain)
  const all = joined([u64(name.length), name, u64(bytes.length), bytes])
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}

/** The challenge that commits to the bytes to sign, in base64url. */
export async function challengeOf(toSign: Uint8Array): Promise<string> {
  return btoa(String.fromCharCode(...(await digestOf('cordon/assertion/v1', toSign))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** The id of the credential that a statement gives an officer: a passkey's is the
 * digest of its key, relying party and origin. Null where it gives none. */
export async function credentialOf(header: Header): Promise<string | null> {
  const credential = header.statement.fields.get('credential')
  if (!isMap(credential)) return null
  if (credential.has('key')) return hex(credential, 'key')
  const passkey = map(map(credential, 'passkey'), 'passkey')
  return `passkey:${toHex(await digestOf('cordon/passkey/v1', encode(passkey)))}`
}

const setEqual = (a: readonly string[], b: readonly string[]) =>
  JSON.stringify([...new Set(a)].sort()) === JSON.stringify([...new Set(b)].sort())

const KINDS: Record<string, string> = {
  'draft-warrant': 'warrant-drafted',
  'issue-warrant': 'warrant-issued',
  'refuse-warrant': 'warrant-refused',
  'revoke-warrant': 'warrant-revoked',
  ask: 'question-asked',
  approve: 'approved',
  narrow: 'narrowed',
  refuse: 'refused',
  'open-answer': 'answer-disclosed',
  'export-bundle': 'bundle-exported',
  'pass-on': 'passed-on',
  'give-notice': 'notice-given',
  'change-rules': 'rules-changed',
  'enrol-officer': 'officer-enrolled',
  'retire-officer': 'officer-retired',
  'propose-officer': 'officer-proposed',
  'confirm-officer': 'officer-confirmed',
}

/** What the comparison needs beside the act. */
export interface Beside {
  /** The draft as the judge saw it, for an act that issues it. */
  before?: CaseCard | undefined
  /** Subjects of a draft after two ways of writing one were joined. */
  subjects?: number | undefined
  /** Scenes of the draft as the judge saw them, for an act that issues it. */
  scenes?: number | undefined
  /** The handle and duties that a registrar read on the screen. */
  officer?: { officer: string; duties: string[]; credential: string } | undefined
  /** The bytes of the record that is confirmed, in hex. */
  proposal?: string | undefined
}

/** Compares a statement with the act that asked for it. */
export function compareStatement(act: Act, header: Header, beside: Beside): void {
  const { kind, fields } = header.statement
  ensure(kind === KINDS[act.act], `it states ${kind}`)
  switch (act.act) {
    case 'draft-warrant': {
      ensure(text(fields, 'authority') === act.authority, 'another authority')
      const terms = map(fields, 'terms')
      sameTerms(terms, act)
      const life = number(terms, 'expires_ms') - number(terms, 'not_before_ms')
      ensure(life === act.life_ms, 'another life')
      const start = act.not_before_ms
      ensure(start == null || start === number(terms, 'not_before_ms'), 'another start')
      const count = beside.subjects ?? act.subjects.length
      ensure(number(terms, 'subjects') === count, 'another number of subjects')
      ensure(scenesOf(terms) === (act.scenes?.length ?? 0), 'another number of scenes')
      return
    }
    case 'issue-warrant': {
      ensure(header.warrant === act.warrant, 'it is about another warrant')
      const before = beside.before
      ensure(before !== undefined, 'nothing to compare it with')
      const terms = map(fields, 'terms')
      sameTerms(terms, {
        templates: act.templates ?? before.templates,
        custodians: act.custodians ?? before.custodians,
        hops: act.hops ?? before.hops,
        answer_cap: act.answer_cap ?? before.answer_cap,
        runs: act.runs ?? before.runs,
      })
      ensure(number(terms, 'subjects') === before.subjects, 'another number of subjects')
      ensure(scenesOf(terms) === (beside.scenes ?? 0), 'another number of scenes')
      const life = number(terms, 'expires_ms') - number(terms, 'not_before_ms')
      ensure(life <= (act.life_ms ?? before.expires_ms - before.not_before_ms), 'a longer life')
      return
    }
    case 'refuse-warrant':
    case 'revoke-warrant':
      ensure(header.warrant === act.warrant, 'it is about another warrant')
      return
    case 'ask': {
      ensure(header.warrant === act.warrant, 'it is about another warrant')
      ensure(text(fields, 'template') === act.template, 'another template')
      ensure(act.hops == null || number(fields, 'hops') <= act.hops, 'more hops')
      ensure(act.answer_cap == null || number(fields, 'answer_cap') <= act.answer_cap, 'more rows')
      const custodians = fields.get('custodians')
      ensure(Array.isArray(custodians) && custodians.every(isMap), 'no list of custodians')
      const named = (custodians as CborMap[]).map((c) => text(c, 'institution'))
      ensure(act.custodians == null || setEqual(named, act.custodians), 'other custodians')
      ensure(
        countOnly(fields) === (act.count_only ?? false),
        'rows where the count alone was asked for, or the reverse',
      )
      return
    }
    case 'narrow':
      ensure(hex(fields, 'question') === act.question, 'it is about another question')
      ensure(number(fields, 'hops') === act.hops && number(fields, 'answer_cap') === act.answer_cap, 'other bounds')
      return
    case 'approve':
    case 'refuse':
    case 'open-answer':
    case 'export-bundle':
      ensure(hex(fields, 'question') === act.question, 'it is about another question')
      return
    case 'pass-on':
      ensure(hex(fields, 'question') === act.question, 'it is about another question')
      ensure(text(fields, 'form') === act.form, 'another form')
      return
    case 'give-notice':
      ensure(header.warrant === act.warrant, 'it is about another warrant')
      ensure(
        number(fields, 'told') === act.told && number(fields, 'withheld') === act.withheld,
        'other numbers of subjects',
      )
      return
    case 'change-rules':
      sameRules(fields, act)
      return
    default:
      compareOfficer(act, header, beside)
  }
}

function sameRules(fields: CborMap, asked: Extract<Act, { act: 'change-rules' }>): void {
  const replaces = fields.get('replaces')
  const found = replaces instanceof Uint8Array ? toHex(replaces) : null
  ensure(found === (asked.replaces ?? null), 'they replace other rules')
  const rules = fields.get('rules')
  ensure(Array.isArray(rules) && rules.every(isMap), 'no list of rules')
  ensure(rules.length === asked.rules.length, 'another number of rules')
  asked.rules.forEach((rule, i) => {
    const written = rules[i] as CborMap
    ensure(
      text(written, 'name') === rule.name.trim() &&
        text(written, 'template') === rule.template &&
        number(written, 'answer_cap') === rule.answer_cap &&
        number(written, 'hops') === rule.hops &&
        number(written, 'subjects') === rule.subjects &&
        computingOf(written).join() === [...(rule.computing ?? [])].sort().join(),
      `another rule “${rule.name}”`,
    )
  })
}

/** Who may compute under a rule, sorted: the list is absent where there is nobody. */
export function computingOf(rule: CborMap): string[] {
  const ids = rule.has('computing') ? rule.get('computing') : []
  ensure(Array.isArray(ids) && ids.every((id) => typeof id === 'string'), 'no list of who may compute')
  return [...(ids as string[])].sort()
}

/** How many scenes terms have: the number is absent where there are none. */
export function scenesOf(terms: CborMap): number {
  return terms.has('scenes') ? number(terms, 'scenes') : 0
}

/** Whether a question asks for its count alone: only a joint one can. */
export function countOnly(fields: CborMap): boolean {
  if (!fields.has('joint')) return false
  const alone = map(fields, 'joint').get('count_only')
  ensure(typeof alone === 'boolean', 'no word on “count_only”')
  return alone
}

function sameTerms(
  terms: CborMap,
  asked: { templates: string[]; custodians: string[]; hops: number; answer_cap: number; runs: number },
): void {
  ensure(setEqual(texts(terms, 'templates'), asked.templates), 'other templates')
  ensure(setEqual(texts(terms, 'custodians'), asked.custodians), 'other custodians')
  ensure(number(terms, 'hops') === asked.hops, 'another number of hops')
  ensure(number(terms, 'answer_cap') === asked.answer_cap, 'another cap on rows')
  ensure(number(terms, 'runs') === asked.runs, 'another number of runs')
}

function compareOfficer(act: Act, header: Header, beside: Beside): void {
  const { fields } = header.statement
  const asked = act as unknown as Record<string, unknown>
  if (act.act === 'retire-officer') {
    const key = String(asked['key']).replace(/^passkey:/, '')
    ensure(JSON.stringify(plain(fields)).includes(key), 'another key')
    return
  }
  if ((act.act as string) === 'confirm-officer') {
    ensure(hex(fields, 'proposal') === asked['proposal'], 'another proposal')
    return
  }
  const expected = beside.officer
  ensure(expected !== undefined, 'nothing to compare it with')
  ensure(text(fields, 'officer') === expected.officer, 'another officer')
  ensure(setEqual(texts(fields, 'duties'), expected.duties), 'other duties')
}

/** A CBOR value as JSON with bytes in hex, to show or to search. */
export function plain(value: Cbor): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (isMap(value)) return Object.fromEntries([...value].map(([k, v]) => [String(k), plain(v)]))
  return typeof value === 'bigint' ? value.toString() : value
}

/** Everything that must hold before an officer is asked for an assertion. */
export async function check(act: Act, prepared: Prepared, who: Who, beside: Beside, nowMs: number): Promise<Header> {
  const bytes = hexBytes(prepared.header)
  const header = readHeader(bytes)
  const toSign = hexBytes(prepared.to_sign)
  checkToSign(toSign, bytes, who.credential)
  ensure(header.network === who.network, 'it is for another network')
  ensure(header.institution === who.institution, 'it speaks for another institution')
  ensure(header.officer === who.officer, 'it names another officer')
  ensure(Math.abs(header.time_ms - nowMs) <= SKEW_MS_MAX, 'its time is not now')
  compareStatement(act, header, beside)
  header.credential = await credentialOf(header)
  if (act.act === 'confirm-officer') await checkProposal(act.proposal, beside)
  // Who would sign under that name from now on: what the registrar compared aloud.
  else ensure(!beside.officer || header.credential === beside.officer.credential, 'another credential')
  const assertion = prepared.assertion as { challenge?: unknown } | null | undefined
  ensure(typeof assertion === 'object' && assertion !== null, 'it asks for no passkey')
  ensure(assertion.challenge === (await challengeOf(toSign)), 'its challenge is not of the bytes to sign')
  return header
}

/** Sees that the record to confirm is the one that was shown: its digest is what is
 * signed, and what it proposes is what the registrar read. */
async function checkProposal(digest: string, beside: Beside): Promise<void> {
  const { officer, proposal } = beside
  ensure(officer !== undefined && proposal !== undefined, 'nothing to compare it with')
  const bytes = hexBytes(proposal)
  ensure(toHex(await digestOf('cordon/record/v1', bytes)) === digest, 'it confirms another proposal')
  let record: Cbor
  try {
    record = decode(bytes)
  } catch {
    throw new NotAsked('the proposal is no record')
  }
  const payload = Array.isArray(record) ? record[2] : undefined
  ensure(payload instanceof Uint8Array, 'the proposal is no record')
  const header = readHeader(payload)
  const { kind, fields } = header.statement
  ensure(kind === 'officer-proposed', `it confirms ${kind}`)
  ensure(text(fields, 'officer') === officer.officer, 'another officer')
  ensure(setEqual(texts(fields, 'duties'), officer.duties), 'other duties')
  ensure((await credentialOf(header)) === officer.credential, 'another credential')
}

function hexBytes(text: string): Uint8Array {
  try {
    return fromHex(text)
  } catch {
    throw new NotAsked('it is not hex')
  }
}
