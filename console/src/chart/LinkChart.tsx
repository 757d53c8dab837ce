/** The link chart: pointer, wheel, touch and keyboard over a painter. */
import { Maximize, Minus, Plus } from 'lucide-react'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { useSpeech } from '../i18n/lang'
import { IconButton } from '../ui/basic'
import type { LayoutReply, LayoutRequest } from './layout.worker'
import layoutUrl from './layout.worker?worker&url'
import { label, type Model, type RowKey } from './model'
import { Painter, type Palette, radiusOf } from './painter'

function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element)
  const value = (name: string) => style.getPropertyValue(name).trim()
  return {
    surface: value('--surface'),
    ink: value('--ink'),
    muted: value('--ink-2'),
    line: value('--line-strong'),
    accent: value('--accent'),
    seal: value('--seal'),
    person: value('--c5'),
    phone: value('--c1'),
    account: value('--c2'),
  }
}

interface Factory {
  createPolicy: (
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ) => { createScriptURL: (url: string) => unknown }
}
const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes
/** Scripts come from this build alone: where the browser asks for a policy, this is it. */
const policy = factory?.createPolicy('cordon-worker', {
  createScriptURL: (url) => {
    if (url !== layoutUrl) throw new TypeError('no other script is started here')
    return url
  },
})
const trusted = (url: string): string => (policy?.createScriptURL(url) as string | undefined) ?? url

const PAN_PX = 60
const ZOOM_STEP = 1.3

export function LinkChart({
  model,
  selected,
  onSelect,
  height = 460,
}: {
  model: Model
  selected: ReadonlySet<RowKey>
  onSelect: (rows: RowKey[], node?: number) => void
  height?: number
}) {
  const { say, dark } = useSpeech()
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const painter = useRef<Painter | null>(null)
  const [settled, setSettled] = useState(false)
  const [focus, setFocus] = useState(-1)
  const touched = useRef(false)
  const help = useId()

  useEffect(() => {
    const [element, frame] = [canvas.current, box.current]
    if (!element || !frame) return
    const paint = new Painter(element, model, paletteOf(element))
    painter.current = paint
    touched.current = false
    setSettled(false)
    const size = () => paint.resize(frame.clientWidth, frame.clientHeight, window.devicePixelRatio || 1)
    const observer = new ResizeObserver(() => {
      size()
      if (!touched.current) paint.fit()
    })
    observer.observe(frame)
    size()
    const worker = new Worker(trusted(layoutUrl), { type: 'module' })
    worker.onmessage = (message: MessageEvent<LayoutReply>) => {
      paint.setPositions(message.data.positions)
      if (!touched.current) paint.fit()
      if (message.data.done) setSettled(true)
    }
    const request: LayoutRequest = {
      hops: model.nodes.map((node) => node.hop),
      radii: model.nodes.map((node) => radiusOf(node.degree, node.subject)),
      links: model.links.map((link) => [link.source, link.target]),
    }
    worker.postMessage(request)
    return () => {
      worker.terminate()
      observer.disconnect()
      paint.end()
      painter.current = null
    }
  }, [model])

  useEffect(() => {
    const element = canvas.current
    // The theme's attribute is set by an effect above this one in the tree.
    if (element) requestAnimationFrame(() => painter.current?.setPalette(paletteOf(element)))
  }, [dark])

  useEffect(() => {
    const paint = painter.current
    if (!paint) return
    paint.selected = selected
    paint.hover = focus
    paint.exact()
  }, [selected, focus])

  useGestures(canvas, painter, touched, (node) =>
    node < 0 ? onSelect([]) : onSelect(model.nodes[node]?.rows ?? [], node),
  )

  const order = useMemo(
    () => model.nodes.map((_, i) => i).sort((a, b) => (model.nodes[b]?.degree ?? 0) - (model.nodes[a]?.degree ?? 0)),
    [model],
  )
  const step = (by: number) => {
    const at = order.indexOf(focus)
    const next = order[(at + by + order.length) % order.length] ?? -1
    setFocus(next)
    touched.current = true
    painter.current?.centre(next)
  }
  const keys = (event: React.KeyboardEvent) => {
    const paint = painter.current
    const frame = box.current
    if (!paint || !frame) return
    const { view } = paint
    const middle: [number, number] = [frame.clientWidth / 2, frame.clientHeight / 2]
    const actions: Record<string, () => void> = {
      ArrowLeft: () => paint.move({ ...view, x: view.x + PAN_PX }),
      ArrowRight: () => paint.move({ ...view, x: view.x - PAN_PX }),
      ArrowUp: () => paint.move({ ...view, y: view.y + PAN_PX }),
      ArrowDown: () => paint.move({ ...view, y: view.y - PAN_PX }),
      '+': () => paint.zoom(ZOOM_STEP, ...middle),
      '=': () => paint.zoom(ZOOM_STEP, ...middle),
      '-': () => paint.zoom(1 / ZOOM_STEP, ...middle),
      '0': () => paint.fit(),
      n: () => step(1),
      p: () => step(-1),
      Enter: () => focus >= 0 && onSelect(model.nodes[focus]?.rows ?? [], focus),
      Escape: () => onSelect([]),
    }
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    touched.current = true
    action()
  }
  const zoom = (factor: number) => {
    const frame = box.current
    touched.current = true
    if (frame) painter.current?.zoom(factor, frame.clientWidth / 2, frame.clientHeight / 2)
  }
  const focused = model.nodes[focus]
  return (
    <div className="chart" ref={box} style={{ height }} data-settled={settled}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={say(
          `关系图：${model.nodes.length} 个节点，${model.links.length} 条连线`,
          `Link chart: ${model.nodes.length} nodes, ${model.links.length} links`,
        )}
        aria-describedby={help}
        onKeyDown={keys}
      />
      <p id={help} className="sr">
        {say(
          '方向键平移，加减号缩放，0 显示全部，n 与 p 逐个节点移动，回车选中，Esc 取消。同样内容在下方表格中。',
          'Arrows pan, plus and minus zoom, 0 shows all, n and p go from node to node, Enter selects, Escape clears. The table below has the same.',
        )}
      </p>
      <div className="sr" aria-live="polite">
        {focused
          ? `${label(focused)} ${focused.value}, ${focused.subject ? say('令状对象, ', 'a subject of the warrant, ') : ''}${say(`${focused.degree} 条连线`, `${focused.degree} links`)}`
          : ''}
      </div>
      <div className="chart-tools">
        <IconButton small label={say('放大', 'Zoom in')} icon={Plus} onClick={() => zoom(ZOOM_STEP)} />
        <IconButton small label={say('缩小', 'Zoom out')} icon={Minus} onClick={() => zoom(1 / ZOOM_STEP)} />
        <IconButton small label={say('显示全部', 'Show all')} icon={Maximize} onClick={() => painter.current?.fit()} />
      </div>
      <ul className="chart-legend small">
        {model.nodes.some((n) => n.kind === 'phone') && (
          <li>
            <i className="phone" />
            {say('电话', 'Phone')}
          </li>
        )}
        {model.nodes.some((n) => n.kind === 'account') && (
          <li>
            <i className="account" />
            {say('账户', 'Account')}
          </li>
        )}
        {model.nodes.some((n) => n.kind === 'person') && (
          <li>
            <i className="person" />
            {say('人', 'Person')}
          </li>
        )}
        {model.nodes.some((n) => n.subject) && (
          <li>
            <i className="subject" />
            {say('令状对象', 'Subject of the warrant')}
          </li>
        )}
      </ul>
    </div>
  )
}

/** Pan by dragging, zoom by wheel or two fingers, select by a click. */
function useGestures(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  painter: React.RefObject<Painter | null>,
  touched: React.RefObject<boolean>,
  choose: (node: number) => void,
): void {
  const chosen = useRef(choose)
  chosen.current = choose
  useEffect(() => {
    const element = canvas.current
    if (!element) return
    const held = new Map<number, [number, number]>()
    let moved = 0
    const place = (event: { clientX: number; clientY: number }): [number, number] => {
      const box = element.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    const down = (event: PointerEvent) => {
      held.set(event.pointerId, place(event))
      moved = 0
      element.setPointerCapture(event.pointerId)
    }
    const move = (event: PointerEvent) => {
      const paint = painter.current
      const before = held.get(event.pointerId)
      if (!paint) return
      const now = place(event)
      if (!before) {
        element.style.cursor = paint.at(...now) >= 0 ? 'pointer' : 'grab'
        return
      }
      touched.current = true
      const others = [...held].filter(([id]) => id !== event.pointerId)
      const other = others[0]?.[1]
      const [dx, dy] = [now[0] - before[0], now[1] - before[1]]
      moved += Math.abs(dx) + Math.abs(dy)
      if (other) {
        const spread = (a: [number, number], b: [number, number]) => Math.hypot(a[0] - b[0], a[1] - b[1])
        paint.zoom(
          spread(now, other) / Math.max(1, spread(before, other)),
          (now[0] + other[0]) / 2,
          (now[1] + other[1]) / 2,
        )
      } else paint.move({ ...paint.view, x: paint.view.x + dx, y: paint.view.y + dy })
      held.set(event.pointerId, now)
    }
    const up = (event: PointerEvent) => {
      const paint = painter.current
      if (held.delete(event.pointerId) && paint && moved < 5) chosen.current(paint.at(...place(event)))
    }
    const wheel = (event: WheelEvent) => {
      event.preventDefault()
      touched.current = true
      painter.current?.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...place(event))
    }
    element.addEventListener('pointerdown', down)
    element.addEventListener('pointermove', move)
    element.addEventListener('pointerup', up)
    element.addEventListener('pointercancel', up)
    element.addEventListener('wheel', wheel, { passive: false })
    return () => {
      element.removeEventListener('pointerdown', down)
      element.removeEventListener('pointermove', move)
      element.removeEventListener('pointerup', up)
      element.removeEventListener('pointercancel', up)
      element.removeEventListener('wheel', wheel)
    }
  }, [canvas, painter, touched])
}
