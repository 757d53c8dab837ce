/** A member's card, as `cordon init` wrote it: read, to be looked at before it is proposed.
 *
 * The node checks card and signature; here it is only made sure that what is
 * shown is what would be sent.
 */
import type { MemberView, Role } from '../api/types'

export interface Card {
  institution: {
    id: string
    name: string
    roles: Role[]
    node_key: string
    seal_key: string
    ledger_address: string
    exchange_address: string
  }
  signature: string
}
type Said = [zh: string, en: string]

/** A card has some 600 bytes. */
const CARD_CHARS_MAX = 20_000
const ROLES: readonly string[] = ['requester', 'custodian', 'authority', 'overseer']
const KEY = /^[0-9a-f]{64}$/

/** The card of a text, or why it is none. */
export function readCard(text: string): { card: Card } | { wrong: Said } {
  const wrong = (zh: string, en: string) => ({ wrong: [zh, en] as Said })
  if (text.length > CARD_CHARS_MAX) return wrong('太长，不是名片', 'Too long for a card')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return wrong('不是 JSON；请粘贴 card.json 的全部内容', 'Not JSON; paste the whole of card.json')
  }
  const { institution, signature } = (value ?? {}) as Partial<Card>
  if (typeof institution !== 'object' || institution === null || typeof signature !== 'string')
    return wrong('缺少 institution 或 signature，不是名片', 'No institution or signature: not a card')
  const { id, name, roles, node_key, seal_key, ledger_address, exchange_address } = institution
  if (typeof id !== 'string' || !/^[a-z0-9_-]{1,32}$/.test(id))
    return wrong('机构短名不合规', 'The short name is not one')
  if (typeof name !== 'string' || name.trim() === '') return wrong('没有机构名称', 'It has no name')
  if (!Array.isArray(roles) || roles.length === 0 || !roles.every((role) => ROLES.includes(role)))
    return wrong('角色不合规', 'Its roles are not known')
  if (![node_key, seal_key].every((key) => typeof key === 'string' && KEY.test(key)))
    return wrong('公钥须是 64 位十六进制', 'Keys have 64 hex digits')
  if (
    ![ledger_address, exchange_address].every((address) => typeof address === 'string' && /^\S+:\d{1,5}$/.test(address))
  )
    return wrong('地址须写成 主机:端口', 'Addresses are host:port')
  if (!/^[0-9a-f]{128}$/.test(signature)) return wrong('签名须是 128 位十六进制', 'The signature has 128 hex digits')
  return { card: value as Card }
}

/** Why a card can't be proposed so, where it can't. */
export function unfit(kind: 'admit' | 'replace', card: Card, members: readonly MemberView[]): Said | null {
  const { id, node_key } = card.institution
  const known = members.find((member) => member.institution === id)
  if (kind === 'admit' && known)
    return [`${id} 已是成员；请改用“更换名片”`, `${id} is a member; choose a new card instead`]
  if (kind === 'replace' && !known)
    return [`${id} 不是成员；请改用“接纳成员”`, `${id} is no member; choose to admit it instead`]
  if (members.some((member) => member.node_key === node_key && member.institution !== id))
    return ['此公钥是另一成员的', 'The key is another member’s']
  return null
}

/** A key in groups of eight, to be read out. */
export const grouped = (key: string): string => key.match(/.{1,8}/g)?.join(' ') ?? key
