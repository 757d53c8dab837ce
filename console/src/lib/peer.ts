/** What a member's node is to this one, from what its ledger lets be heard.
 *
 * The exchange opens channels as they are needed: that none is open says nothing.
 */
import type { Peer } from '../api/types'

/** Blocks within which a node is on its way, not behind. */
const BEHIND_MIN = 5

export type PeerState = 'me' | 'up' | 'behind' | 'down'

export function peerState(peer: Pick<Peer, 'me' | 'heard' | 'behind'>): PeerState {
  if (peer.me) return 'me'
  if (!peer.heard) return 'down'
  return (peer.behind ?? 0) >= BEHIND_MIN ? 'behind' : 'up'
}
