/** Checks a bundle that is dropped on the page; a tampered one is shown exactly where. */
import { BadgeCheck, FileUp, FileWarning, ShieldX } from 'lucide-react'
import { type DragEvent, useRef, useState } from 'react'
import { post } from '../api/client'
import type { BundleCheck } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { bytes, count, moment, number, windowText } from '../lib/format'
import { Button, Card, Facts, Hex, PageHead } from '../ui/basic'
import { Failed, Loading, Notice } from '../ui/state'

const BUNDLE_BYTES_MAX = 32 * 1024 * 1024

export function VerifyPage() {
  const { say } = useSpeech()
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const [file, setFile] = useState<File | null>(null)
  const [result, setResult] = useState<BundleCheck | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)

  const check = async (chosen: File | undefined) => {
    if (!chosen) return
    setFile(chosen)
    setResult(null)
    setError(null)
    if (chosen.size > BUNDLE_BYTES_MAX) {
      setError(
        new Error(
          say(
            '文件超过 32 MB，请用 cordon verify 在离线机器上核验',
            'The file has more than 32 MB: check it with `cordon verify`',
          ),
        ),
      )
      return
    }
    setBusy(true)
    try {
      setResult(
        await post<BundleCheck>('/v1/bundles/verify', undefined, {
          raw: { bytes: chosen, type: 'application/zip' },
          limitMs: 120_000,
        }),
      )
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy(false)
    }
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void check(event.dataTransfer.files[0])
  }
  return (
    <>
      <PageHead
        title={say('核验证据包', 'Check a bundle')}
        lead={say(
          '与法院离线核验用的是同一套程序：重放每条记录，核对签名、回执、令状与答案。',
          'The same checks that a court runs offline: every record replayed, signatures, receipts, warrant and answer compared.',
        )}
      />
      <div className="stack">
        <div
          className={over ? 'drop over' : 'drop'}
          onDragOver={(event) => {
            event.preventDefault()
            setOver(true)
          }}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          <FileUp size={30} strokeWidth={1.4} aria-hidden />
          <p>{say('把证据包（.cordon）拖到这里', 'Drop a bundle (.cordon) here')}</p>
          <Button onClick={() => input.current?.click()} disabled={busy}>
            {say('选择文件', 'Choose a file')}
          </Button>
          <input
            ref={input}
            type="file"
            hidden
            data-testid="bundle"
            onChange={(event) => {
              void check(event.target.files?.[0])
              event.target.value = ''
            }}
          />
        </div>
        <div aria-live="polite" className="stack">
          {file && (
            <p className="muted small">
              {file.name} · {bytes(file.size)}
            </p>
          )}
          {busy && <Loading lines={3} />}
          {error !== null && <Failed error={error} />}
          {result && <Result result={result} />}
        </div>
      </div>
    </>
  )
}

function Result({ result }: { result: BundleCheck }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const facts = result.case
  return (
    <>
      {result.valid ? (
        <div data-testid="valid">
          <Notice mood="good" icon={BadgeCheck} title={say('证据包有效', 'The bundle is valid')}>
            {say(
              '每条记录、签名、回执与答案均相符，且属于本网络。',
              'Every record, signature, receipt and the answer agree, and belong to this network.',
            )}
          </Notice>
        </div>
      ) : (
        <div data-testid="invalid">
          <Notice
            mood="bad"
            icon={ShieldX}
            title={say(
              `证据包无效：${result.findings.length} 处不符`,
              `The bundle is not valid: ${count(result.findings.length, 'finding')}`,
            )}
          >
            {say('不能作为证据使用。不符之处如下。', 'It can’t serve as evidence. Where it fails:')}
          </Notice>
        </div>
      )}
      {result.findings.length > 0 && (
        <Card title={say('不符之处', 'Findings')} flush>
          <ul className="tasks">
            {result.findings.map((finding, i) => (
              // A verdict's findings never change places.
              <li key={i} className="task">
                <FileWarning size={18} aria-hidden style={{ color: 'var(--bad)' }} />
                <div className="grow stack-s">
                  <div className="row">
                    <code className="tag">{finding.file}</code>
                    <code className="tag">{finding.rule}</code>
                  </div>
                  <div>{say(finding.text_zh, finding.text_en)}</div>
                </div>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {facts && (
        <Card title={say('证据包所载', 'What the bundle holds')}>
          <Facts
            items={[
              [
                say('查询', 'Question'),
                <span key="q">
                  {word(templates, facts.template, lang)} <Hex id={facts.question} />
                </span>,
              ],
              [say('令状', 'Warrant'), <Hex key="w" id={facts.warrant} />],
              [say('请求方', 'Requester'), name(facts.requester)],
              [say('签发机关', 'Authority'), name(facts.authority)],
              facts.basis ? [say('法律依据', 'Legal basis'), facts.basis] : null,
              [say('数据时段', 'Window'), windowText(facts.window_ms)],
              [say('行数', 'Rows'), number(facts.rows, lang)],
              facts.lookups == null
                ? null
                : [
                    say('各行的证明', 'Proof of the rows'),
                    say(
                      `由 ${number(facts.lookups, lang)} 次查询重新解出，均与数据机构所签一致`,
                      `opened again from ${number(facts.lookups, lang)} lookups, as their custodians signed them`,
                    ),
                  ],
              [say('记录', 'Records'), number(facts.records, lang)],
              [say('开启', 'Opened'), moment(facts.disclosed_ms)],
              [say('导出', 'Exported'), moment(facts.exported_ms)],
              [
                say('数据来源', 'Sources'),
                <ul key="s">
                  {facts.sources.map((source) => (
                    <li key={source.snapshot}>
                      {name(source.institution)} · {source.dataset} · {moment(source.extracted_ms)}{' '}
                      <Hex id={source.snapshot} />
                    </li>
                  ))}
                </ul>,
              ],
              [
                say('同意', 'Approvals'),
                <ul key="a">
                  {facts.approvals.map((approval) => (
                    <li key={approval.institution}>
                      {name(approval.institution)} · {approval.officer ?? ''}
                      {approval.by_rule ? say(`依规则 ${approval.by_rule}`, `by rule ${approval.by_rule}`) : ''} ·{' '}
                      {moment(approval.time_ms)}
                    </li>
                  ))}
                </ul>,
              ],
              [say('网络', 'Network'), <Hex key="n" id={result.network} />],
            ]}
          />
        </Card>
      )}
    </>
  )
}
