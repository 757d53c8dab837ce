import { describe, expect, test } from 'vitest'
import type { MemberView } from '../src/api/types'
import { type Card, grouped, readCard, unfit } from '../src/lib/card'

const card: Card = {
  institution: {
    id: 'bank_e',
    name: 'Bank E / 银行E',
    roles: ['custodian'],
    node_key: 'a'.repeat(64),
    seal_key: 'b'.repeat(64),
    ledger_address: '10.0.0.5:7101',
    exchange_address: '10.0.0.5:7102',
  },
  signature: 'c'.repeat(128),
}
const altered = (part: Partial<Card['institution']>, rest: Record<string, unknown> = {}) =>
  JSON.stringify({ ...card, institution: { ...card.institution, ...part }, ...rest })
const member = (institution: string, node_key: string) =>
  ({ institution, node_key, name: institution, roles: [], officers: [] }) as unknown as MemberView

describe('a card', () => {
  test('is shown as it would be sent', () => expect(readCard(JSON.stringify(card))).toEqual({ card }))
  test.each([
    ['no JSON', 'card.json'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no signature', altered({}, { signature: undefined })],
    ['a short signature', altered({}, { signature: 'c' })],
    ['a name that is none', altered({ id: 'Bank E' })],
    ['no name', altered({ name: ' ' })],
    ['no roles', altered({ roles: [] })],
    ['a role nobody knows', altered({ roles: ['king' as never] })],
    ['a short key', altered({ node_key: 'a' })],
    ['a seal key that is none', altered({ seal_key: 'Z'.repeat(64) })],
    ['an address without a port', altered({ exchange_address: 'host' })],
    ['a file that is far too long', `"${'x'.repeat(30_000)}"`],
  ])('with %s is refused', (_, text) => expect(readCard(text)).toHaveProperty('wrong'))
})

describe('a change', () => {
  const members = [member('bank_a', 'd'.repeat(64)), member('bank_e', 'e'.repeat(64))]
  test('admits no member twice and renews none that is not there', () => {
    expect(unfit('admit', card, members)?.[1]).toContain('is a member')
    expect(unfit('replace', card, members)).toBeNull()
    expect(unfit('admit', card, members.slice(0, 1))).toBeNull()
    expect(unfit('replace', card, members.slice(0, 1))?.[1]).toContain('no member')
  })
  test('takes no other member’s key', () =>
    expect(unfit('admit', card, [member('bank_a', 'a'.repeat(64))])?.[1]).toContain('another'))
  test('keys are read out in groups', () => expect(grouped('0123456789abcdef')).toBe('01234567 89abcdef'))
})
