/** Paints the link chart on a canvas, with as much detail as the zoom allows.
 *
 * Why our own and no library: an answer's chart must stay fluid on an office
 * machine without a graphics card. While a large chart moves, the last picture
 * is moved and scaled, which costs one blit; the exact picture follows when the
 * hand rests. Small charts are painted anew for each frame.
 *
 * Invariants: nothing here keeps state of React's; every pixel follows from
 * model, positions, view and selection.
 */
import { label, type Model, type RowKey } from './model'

export interface View {
  x: number
  y: number
  scale: number
}
export interface Palette {
  surface: string
  ink: string
  muted: string
  line: string
  accent: string
  seal: string
  person: string
  phone: string
  account: string
}

/** A picture that takes longer than this is blitted while it moves. */
const SLOW_MS = 9
const REST_MS = 90
export const SCALE_MIN = 0.02
export const SCALE_MAX = 6
/** Links beyond which arrows are left out, and labels that fit a picture. */
const ARROWS_MAX = 1_200
const LABELS_MAX = 160
/** The kept picture reaches this much beyond the canvas on each side. */
const MARGIN = 0.35

export const radiusOf = (degree: number, subject: boolean): number =>
  Math.min(20, 6 + Math.sqrt(degree) * 1.5) + (subject ? 2.5 : 0)

export class Painter {
  view: View = { x: 0, y: 0, scale: 1 }
  selected: ReadonlySet<RowKey> = new Set()
  hover = -1
  private readonly context: CanvasRenderingContext2D
  private readonly kept = document.createElement('canvas')
  private keptView: View | null = null
  private positions: Float32Array = new Float32Array(0)
  private radii: Float32Array
  private width = 1
  private height = 1
  private ratio = 1
  private slow = false
  private frame = 0
  private rest: ReturnType<typeof setTimeout> | undefined
  private order: number[]
  /** Milliseconds of the last exact picture, for measurements. */
  lastMs = 0

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly model: Model,
    private palette: Palette,
  ) {
    const context = canvas.getContext('2d')
    if (!context) throw new Error('no canvas')
    this.context = context
    this.radii = Float32Array.from(model.nodes, (node) => radiusOf(node.degree, node.subject))
    this.order = model.nodes.map((_, i) => i).sort((a, b) => rank(model, b) - rank(model, a))
  }

  setPalette(palette: Palette): void {
    this.palette = palette
    this.exact()
  }

  setPositions(positions: Float32Array): void {
    this.positions = positions
    this.exact()
  }

  resize(width: number, height: number, ratio: number): void {
    this.width = width
    this.height = height
    this.ratio = ratio
    this.canvas.width = Math.round(width * ratio)
    this.canvas.height = Math.round(height * ratio)
    this.exact()
  }

  /** Shows everything. */
  fit(): void {
    const { positions } = this
    if (positions.length === 0) return
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
    for (let i = 0; i < positions.length; i += 2) {
      left = Math.min(left, positions[i] ?? 0)
      right = Math.max(right, positions[i] ?? 0)
      top = Math.min(top, positions[i + 1] ?? 0)
      bottom = Math.max(bottom, positions[i + 1] ?? 0)
    }
    const scale = Math.min((this.width - 90) / (right - left + 1), (this.height - 80) / (bottom - top + 1), 1.6)
    this.view = {
      scale: Math.max(SCALE_MIN, scale),
      x: this.width / 2 - ((left + right) / 2) * Math.max(SCALE_MIN, scale),
      y: this.height / 2 - ((top + bottom) / 2) * Math.max(SCALE_MIN, scale),
    }
    this.exact()
  }

  /** Moves a node to the middle. */
  centre(node: number): void {
    const x = this.positions[2 * node] ?? 0
    const y = this.positions[2 * node + 1] ?? 0
    this.view = { ...this.view, x: this.width / 2 - x * this.view.scale, y: this.height / 2 - y * this.view.scale }
    this.exact()
  }

  move(view: View): void {
    this.view = { ...view, scale: Math.min(SCALE_MAX, Math.max(SCALE_MIN, view.scale)) }
    if (!this.slow) return this.exact()
    this.ask(() => this.blit())
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.exact(), REST_MS)
  }

  zoom(factor: number, x: number, y: number): void {
    const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, this.view.scale * factor))
    const by = scale / this.view.scale
    this.move({ scale, x: x - (x - this.view.x) * by, y: y - (y - this.view.y) * by })
  }

  exact(): void {
    this.ask(() => {
      const begun = performance.now()
      this.paint()
      this.lastMs = performance.now() - begun
      this.slow = this.lastMs > SLOW_MS || this.model.links.length > 3_000
    })
  }

  end(): void {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.rest)
  }

  /** The node at a place of the canvas; -1 where there is none. */
  at(x: number, y: number): number {
    const { scale } = this.view
    let best = -1
    let nearest = Infinity
    const grow = Math.max(1, 0.55 / scale)
    for (let i = 0; i < this.radii.length; i++) {
      const dx = (this.positions[2 * i] ?? 0) * scale + this.view.x - x
      const dy = (this.positions[2 * i + 1] ?? 0) * scale + this.view.y - y
      const distance = dx * dx + dy * dy
      const reach = Math.max(7, (this.radii[i] ?? 5) * scale * grow + 3)
      if (distance < reach * reach && distance < nearest) {
        nearest = distance
        best = i
      }
    }
    return best
  }

  private ask(paint: () => void): void {
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(paint)
  }

  private blit(): void {
    const { context, kept, keptView, view, ratio } = this
    if (!keptView || kept.width === 0 || kept.height === 0) return
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.fillStyle = this.palette.surface
    context.fillRect(0, 0, this.canvas.width, this.canvas.height)
    const by = view.scale / keptView.scale
    context.setTransform(by, 0, 0, by, (view.x - keptView.x * by) * ratio, (view.y - keptView.y * by) * ratio)
    context.imageSmoothingEnabled = true
    context.imageSmoothingQuality = 'low'
    context.drawImage(kept, -MARGIN * this.width * ratio, -MARGIN * this.height * ratio)
  }

  private paint(): void {
    const { kept, ratio } = this
    const width = Math.round(this.width * (1 + 2 * MARGIN) * ratio)
    const height = Math.round(this.height * (1 + 2 * MARGIN) * ratio)
    if (kept.width !== width) kept.width = width
    if (kept.height !== height) kept.height = height
    const context = kept.getContext('2d')
    if (!context) return
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.fillStyle = this.palette.surface
    context.fillRect(0, 0, width, height)
    context.setTransform(ratio, 0, 0, ratio, MARGIN * this.width * ratio, MARGIN * this.height * ratio)
    const some = this.selected.size > 0
    const lit = new Set<number>()
    if (some) for (const row of this.selected) for (const node of this.model.byRow.get(row)?.nodes ?? []) lit.add(node)
    this.paintLinks(context, some)
    this.paintNodes(context, some, lit)
    this.paintLabels(context, some, lit)
    this.keptView = this.view
    this.blit()
  }

  private place(i: number): [number, number] {
    return [
      (this.positions[2 * i] ?? 0) * this.view.scale + this.view.x,
      (this.positions[2 * i + 1] ?? 0) * this.view.scale + this.view.y,
    ]
  }

  private inside(x: number, y: number): boolean {
    const [w, h] = [this.width * MARGIN + 30, this.height * MARGIN + 30]
    return x > -w && y > -h && x < this.width + w && y < this.height + h
  }

  private paintLinks(context: CanvasRenderingContext2D, some: boolean): void {
    const { links } = this.model
    const dense = links.length > 4_000
    const bright: number[] = []
    const arrows: number[] = []
    context.beginPath()
    for (let i = 0; i < links.length; i++) {
      const link = links[i]
      if (!link) continue
      const [ax, ay] = this.place(link.source)
      const [bx, by] = this.place(link.target)
      if (!this.inside(ax, ay) && !this.inside(bx, by)) continue
      if (some && link.rows.some((row) => this.selected.has(row))) bright.push(i)
      else {
        context.moveTo(ax, ay)
        context.lineTo(bx, by)
        arrows.push(i)
      }
    }
    context.strokeStyle = this.palette.line
    context.globalAlpha = some ? 0.28 : dense ? 0.3 : 0.75
    context.lineWidth = dense ? 0.6 : 1
    context.stroke()
    if (arrows.length < ARROWS_MAX && this.view.scale > 0.35) this.paintArrows(context, arrows)
    context.globalAlpha = 1
    context.beginPath()
    for (const i of bright) {
      const link = links[i]
      if (!link) continue
      context.moveTo(...this.place(link.source))
      context.lineTo(...this.place(link.target))
    }
    context.strokeStyle = this.palette.accent
    context.lineWidth = 1.8
    context.stroke()
    if (bright.length < ARROWS_MAX) this.paintArrows(context, bright, true)
  }

  private paintArrows(context: CanvasRenderingContext2D, which: readonly number[], bright = false): void {
    context.beginPath()
    for (const i of which) {
      const link = this.model.links[i]
      if (!link || link.kind === 'holds') continue
      const [ax, ay] = this.place(link.source)
      const [bx, by] = this.place(link.target)
      const angle = Math.atan2(by - ay, bx - ax)
      const back = (this.radii[link.target] ?? 5) * growth(this.view.scale) + 2
      const [x, y] = [bx - Math.cos(angle) * back, by - Math.sin(angle) * back]
      const size = bright ? 8 : 6
      context.moveTo(x, y)
      context.lineTo(x - size * Math.cos(angle - 0.42), y - size * Math.sin(angle - 0.42))
      context.lineTo(x - size * Math.cos(angle + 0.42), y - size * Math.sin(angle + 0.42))
    }
    context.fillStyle = bright ? this.palette.accent : this.palette.line
    context.fill()
  }

  private paintNodes(context: CanvasRenderingContext2D, some: boolean, lit: ReadonlySet<number>): void {
    const { nodes } = this.model
    const grow = growth(this.view.scale)
    for (const kind of ['account', 'phone', 'person'] as const) {
      for (const bright of [false, true]) {
        context.beginPath()
        for (let i = 0; i < nodes.length; i++) {
          const node = nodes[i]
          if (!node || node.kind !== kind || (some && lit.has(i)) !== bright) continue
          const [x, y] = this.place(i)
          if (!this.inside(x, y)) continue
          shape(context, kind, x, y, Math.max(1.6, (this.radii[i] ?? 5) * grow))
        }
        context.fillStyle = this.palette[kind]
        context.globalAlpha = some && !bright ? 0.3 : 1
        context.fill()
      }
    }
    context.globalAlpha = 1
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]
      const marked = node?.subject === true
      if (!marked && i !== this.hover && !lit.has(i)) continue
      const [x, y] = this.place(i)
      if (!this.inside(x, y)) continue
      const radius = (this.radii[i] ?? 5) * grow + 3.5
      // A subject has two rings, what is selected or looked at has one.
      if (marked) {
        context.strokeStyle = this.palette.seal
        for (const ring of [radius, radius + 4]) this.ring(context, x, y, ring, 1.8)
      }
      if (i !== this.hover && !lit.has(i)) continue
      context.strokeStyle = i === this.hover ? this.palette.ink : this.palette.accent
      this.ring(context, x, y, marked ? radius + 7.5 : radius, 1.6)
    }
  }

  private ring(context: CanvasRenderingContext2D, x: number, y: number, radius: number, width: number): void {
    context.beginPath()
    context.arc(x, y, radius, 0, Math.PI * 2)
    context.lineWidth = width
    context.stroke()
  }

  private paintLabels(context: CanvasRenderingContext2D, some: boolean, lit: ReadonlySet<number>): void {
    const { nodes } = this.model
    const taken: [number, number, number][] = []
    context.font = `12px ${getComputedStyle(this.canvas).fontFamily}`
    context.textAlign = 'center'
    context.textBaseline = 'top'
    context.lineJoin = 'round'
    const grow = growth(this.view.scale)
    const first = some ? [...lit].sort((a, b) => rank(this.model, b) - rank(this.model, a)) : []
    let shown = 0
    for (const i of [...first, ...this.order]) {
      if (shown >= LABELS_MAX) return
      const node = nodes[i]
      if (!node) continue
      if (some && !lit.has(i)) continue
      const [x, y] = this.place(i)
      if (!this.inside(x, y)) continue
      const text = label(node)
      const half = context.measureText(text).width / 2 + 5
      const top = y + (this.radii[i] ?? 5) * grow + (node.subject ? 10 : 5)
      if (taken.some(([tx, ty, th]) => Math.abs(tx - x) < th + half && Math.abs(ty - top) < 16)) continue
      taken.push([x, top, half])
      context.strokeStyle = this.palette.surface
      context.lineWidth = 3.5
      context.strokeText(text, x, top)
      context.fillStyle = node.subject || lit.has(i) ? this.palette.ink : this.palette.muted
      context.fillText(text, x, top)
      shown++
    }
  }
}

/** Nodes shrink more slowly than the picture, so that they stay to be seen. */
const growth = (scale: number): number => Math.max(0.28, Math.min(1.4, scale ** 0.6))

const rank = (model: Model, i: number): number => {
  const node = model.nodes[i]
  return node ? node.degree + (node.subject ? 1_000 : 0) + (node.kind === 'person' ? 2 : 0) : 0
}

/** Kinds differ in shape as well as in colour: round, square, diamond. */
function shape(
  context: CanvasRenderingContext2D,
  kind: 'phone' | 'account' | 'person',
  x: number,
  y: number,
  r: number,
) {
  if (kind === 'phone') {
    context.moveTo(x + r, y)
    context.arc(x, y, r, 0, Math.PI * 2)
  } else if (kind === 'account') {
    const s = r * 0.9
    context.rect(x - s, y - s, 2 * s, 2 * s)
  } else {
    const s = r * 1.2
    context.moveTo(x, y - s)
    context.lineTo(x + s, y)
    context.lineTo(x, y + s)
    context.lineTo(x - s, y)
    context.closePath()
  }
}
