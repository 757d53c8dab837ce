import { expect, test } from 'vitest'
import { peerState } from '../src/lib/peer'

test.each([
  [{ me: true, heard: false, behind: null }, 'me'],
  [{ me: false, heard: true, behind: null }, 'up'],
  [{ me: false, heard: true, behind: 1 }, 'up'],
  [{ me: false, heard: true, behind: 200 }, 'behind'],
  [{ me: false, heard: false, behind: 200 }, 'down'],
] as const)('%j is %s', (peer, state) => expect(peerState(peer)).toBe(state))
