/** Places nodes off the main thread; sends positions as they settle.
 *
 * Layout is by force, drawn along x by hop, so that money and calls read from
 * left to right. It begins from a deterministic spiral: the same answer gives
 * the same picture.
 */
import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationLinkDatum,
  type SimulationNodeDatum,
} from 'd3-force'

export interface LayoutRequest {
  hops: number[]
  radii: number[]
  links: [number, number][]
}
export interface LayoutReply {
  positions: Float32Array
  done: boolean
}

interface Placed extends SimulationNodeDatum {
  hop: number
  radius: number
}

/** Ticks a message and in all; large graphs settle with fewer. */
const TICKS_A_MESSAGE = 12
const TICKS_SMALL = 300
const TICKS_LARGE = 140
const LARGE = 1_500
const HOP_PX = 230

self.onmessage = (message: MessageEvent<LayoutRequest>) => {
  const { hops, radii, links } = message.data
  const large = hops.length > LARGE
  const columns = new Map<number, number>()
  for (const hop of hops) columns.set(hop, (columns.get(hop) ?? 0) + 1)
  const spread = large ? HOP_PX * 3 : HOP_PX
  const nodes: Placed[] = hops.map((hop, i) => {
    const angle = i * 2.399_963
    const distance = 14 * Math.sqrt(i)
    return {
      hop,
      radius: radii[i] ?? 5,
      x: hop * spread + distance * Math.cos(angle) * 0.5,
      y: distance * Math.sin(angle),
    }
  })
  const edges: SimulationLinkDatum<Placed>[] = links.map(([source, target]) => ({ source, target }))
  const simulation = forceSimulation<Placed>(nodes)
    .force(
      'charge',
      forceManyBody<Placed>()
        .strength(large ? -34 : -150)
        .theta(1.1)
        .distanceMax(large ? 350 : 600),
    )
    .force(
      'link',
      forceLink<Placed, SimulationLinkDatum<Placed>>(edges)
        .distance(large ? 36 : 74)
        .strength(large ? 0.12 : 0.35),
    )
    .force('x', forceX<Placed>((node) => node.hop * spread).strength(columns.size > 1 ? 0.16 : 0.04))
    .force('y', forceY<Placed>(0).strength(0.045))
    .force('apart', large ? null : forceCollide<Placed>((node) => node.radius + 9).iterations(2))
    .stop()
  const ticks = large ? TICKS_LARGE : TICKS_SMALL
  simulation.alphaDecay(1 - 0.001 ** (1 / ticks))
  for (let tick = 0; tick < ticks;) {
    for (let i = 0; i < TICKS_A_MESSAGE && tick < ticks; i++, tick++) simulation.tick()
    const positions = new Float32Array(nodes.length * 2)
    nodes.forEach((node, i) => {
      positions[2 * i] = node.x ?? 0
      positions[2 * i + 1] = node.y ?? 0
    })
    const reply: LayoutReply = { positions, done: tick >= ticks }
    self.postMessage(reply, { transfer: [positions.buffer] })
  }
}
