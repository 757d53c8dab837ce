/** Parts that several pages show of a warrant: its terms, changes, subjects. */
import { ArrowRight, Minus, Plus } from 'lucide-react'
import type { ReactNode } from 'react'
import type { CaseView, Change, Scene, WarrantChanges } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { fields, templates, word } from '../i18n/words'
import { count, duration, moment, number, windowText } from '../lib/format'
import { Facts, Hex, Tags, When } from '../ui/basic'
import { Blank, Notice } from '../ui/state'
import { namedWords } from './case-words'

export function TermsFacts({ view }: { view: CaseView }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  return (
    <Facts
      items={[
        [say('请求方', 'Requester'), name(view.requester)],
        [say('签发机关', 'Authority'), name(view.authority)],
        view.basis ? [say('法律依据', 'Legal basis'), view.basis] : null,
        [say('查询模板', 'Templates'), <Tags key="t" items={view.templates.map((t) => word(templates, t, lang))} />],
        [say('数据方', 'Custodians'), <Tags key="c" items={view.custodians.map(name)} />],
        [say('对象与现场', 'Subjects and scenes'), namedWords(view, say)],
        view.window_ms ? [say('数据时段', 'Window'), windowText(view.window_ms)] : null,
        [
          say('限度', 'Limits'),
          say(
            `${view.hops} 跳，答案至多 ${number(view.answer_cap, lang)} 行`,
            `${count(view.hops, 'hop')}, at most ${count(view.answer_cap, 'row')} an answer`,
          ),
        ],
        [say('计算次数', 'Runs'), say(`已用 ${view.spent}，共 ${view.runs}`, `${view.spent} of ${view.runs} spent`)],
        [
          say('有效期', 'Valid'),
          <span key="v">
            {moment(view.not_before_ms)} – {moment(view.expires_ms)}
            <span className="muted"> · {duration(view.expires_ms - view.not_before_ms, lang)}</span>
          </span>,
        ],
        [
          say('申请', 'Drafted'),
          <span key="d">
            {view.drafted_by ?? ''} · <When ms={view.drafted_ms} />
          </span>,
        ],
        view.decided_ms
          ? [
              say('决定', 'Decided'),
              <span key="e">
                {view.decided_by ?? ''} · <When ms={view.decided_ms} />
              </span>,
            ]
          : null,
        [say('令状编号', 'Warrant'), <Hex key="w" id={view.warrant} />],
      ]}
    />
  )
}

/** A term's value as people read it. */
export function useTermValue(): (field: string, value: unknown) => ReactNode {
  const { lang } = useSpeech()
  const name = useNames()
  return (field, value) => {
    if (value === null || value === undefined) return '—'
    if (field === 'templates' && Array.isArray(value))
      return value.map((t) => word(templates, String(t), lang)).join(lang === 'zh' ? '、' : ', ')
    if (field === 'custodians' && Array.isArray(value))
      return value.map((c) => name(String(c))).join(lang === 'zh' ? '、' : ', ')
    if (field === 'window_ms' && Array.isArray(value)) return windowText(value.map(Number))
    if (field.endsWith('_ms') && typeof value === 'number') return moment(value)
    if (typeof value === 'number') return number(value, lang)
    return String(value)
  }
}

export function Changes({ changes, from, to }: { changes: readonly Change[]; from: string; to: string }) {
  const { say, lang } = useSpeech()
  const value = useTermValue()
  return (
    <div className="table-wrap" tabIndex={0} role="group" aria-label={say('变更', 'Changes')}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{say('条款', 'Term')}</th>
            <th scope="col">{from}</th>
            <th scope="col">{to}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.field}>
              <th scope="row" className="plain">
                {word(fields, change.field, lang)}
              </th>
              <td className="muted">{value(change.field, change.before)}</td>
              <td>
                <ArrowRight size={13} aria-hidden /> <strong>{value(change.field, change.after)}</strong>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function DraftChanges({ changes }: { changes: WarrantChanges }) {
  const { say } = useSpeech()
  const before = changes.previous
  if (!before)
    return (
      <p className="muted">
        {say(
          '这是此案第一份申请，没有可比较的前一份。',
          'This is the first draft of its case: there is none to compare it with.',
        )}
      </p>
    )
  const nothing =
    changes.fields.length === 0 &&
    changes.subjects_added.length === 0 &&
    changes.subjects_removed.length === 0 &&
    changes.scenes_added.length === 0 &&
    changes.scenes_removed.length === 0
  return (
    <div className="stack">
      <p>
        {say('与上一份申请相比：', 'Compared with the draft before: ')}
        <Hex id={before.warrant} /> · <When ms={before.drafted_ms} />
      </p>
      {nothing && (
        <Notice mood="off">
          {say('条款、对象与现场均无变化。', 'Neither terms nor subjects nor scenes changed.')}
        </Notice>
      )}
      {changes.fields.length > 0 && (
        <Changes changes={changes.fields} from={say('上一份', 'Before')} to={say('这一份', 'Now')} />
      )}
      {changes.subjects_comparable ? (
        <ul className="diff">
          {changes.subjects_added.map((subject) => (
            <li key={subject} className="added">
              <Plus size={14} aria-hidden />
              <code>{subject}</code>
              <span className="sr">{say('新增', 'added')}</span>
            </li>
          ))}
          {changes.subjects_removed.map((subject) => (
            <li key={subject} className="removed">
              <Minus size={14} aria-hidden />
              <code>{subject}</code>
              <span className="sr">{say('删去', 'removed')}</span>
            </li>
          ))}
          {changes.scenes_added.map((scene) => (
            <li key={sceneKey(scene)} className="added">
              <Plus size={14} aria-hidden />
              <SceneWords scene={scene} />
              <span className="sr">{say('新增', 'added')}</span>
            </li>
          ))}
          {changes.scenes_removed.map((scene) => (
            <li key={sceneKey(scene)} className="removed">
              <Minus size={14} aria-hidden />
              <SceneWords scene={scene} />
              <span className="sr">{say('删去', 'removed')}</span>
            </li>
          ))}
          <li className="muted small">
            {say(`另有 ${changes.subjects_kept} 个对象不变`, `${count(changes.subjects_kept, 'subject')} unchanged`)}
          </li>
        </ul>
      ) : (
        <p className="muted">
          {say('上一份的对象此处读不到，无法比较。', 'The subjects of the draft before can’t be read here.')}
        </p>
      )}
    </div>
  )
}

export function SubjectsComing() {
  const { say } = useSpeech()
  return <Blank title={say('对象尚未送达，请稍候', 'The subjects are on their way')} />
}

const sceneKey = (scene: Scene) => `${scene.cell}/${scene.from_ms}/${scene.to_ms}`

function SceneWords({ scene }: { scene: Scene }) {
  const { say } = useSpeech()
  return (
    <>
      <strong>
        {scene.cell == null ? say('全市', 'the whole city') : say(`基站小区 ${scene.cell}`, `cell ${scene.cell}`)}
      </strong>
      <span>{windowText([scene.from_ms, scene.to_ms])}</span>
    </>
  )
}

/** The places and times that joint questions begin from. */
export function SceneList({ scenes }: { scenes: readonly Scene[] }) {
  const { say } = useSpeech()
  return (
    <div>
      <h3 className="small">
        {say('现场', 'Scenes')} <span className="muted">{scenes.length}</span>
      </h3>
      <ul className="scene-list">
        {scenes.map((scene) => (
          <li key={sceneKey(scene)}>
            <SceneWords scene={scene} />
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Whom and what an order names, as far as it names any. */
export function Named({ subjects, scenes }: { subjects: readonly string[]; scenes: readonly Scene[] }) {
  return (
    <div className="stack">
      {scenes.length > 0 && <SceneList scenes={scenes} />}
      {subjects.length > 0 && <SubjectList subjects={subjects} />}
    </div>
  )
}

function SubjectList({ subjects }: { subjects: readonly string[] }) {
  const { say } = useSpeech()
  const groups = new Map<string, string[]>()
  for (const subject of subjects) {
    const at = subject.indexOf(':')
    const kind = at > 0 ? subject.slice(0, at) : ''
    groups.set(kind, [...(groups.get(kind) ?? []), at > 0 ? subject.slice(at + 1) : subject])
  }
  const kind = (code: string) =>
    ({ phone: say('电话', 'Phones'), id: say('身份证号', 'Resident ids'), account: say('账号', 'Accounts') })[code] ??
    code
  return (
    <div className="subject-groups">
      {[...groups].map(([code, values]) => (
        <div key={code}>
          <h3 className="small">
            {kind(code)} <span className="muted">{values.length}</span>
          </h3>
          <ul className="subject-list">
            {values.map((value) => (
              <li key={value}>
                <code>{value}</code>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  )
}
