// __STAMP__
// Decide by a routing table: no dependency. `ask` sends one prompt to any model you choose and returns its text.

export type Profile = "classification" | "extraction" | "reasoning" | "coordination";

export interface Decision {
  readonly profile: Profile | null;
  readonly hugeContext: boolean;
  /** The model the table chooses; null where it leaves the choice to the caller. */
  readonly model: string | null;
  /** Who answers: `model`, or the premium tier where this request is in the canary. */
  readonly servedBy: string | null;
  /** Exactly one rung up, or nothing. */
  readonly escalateTo: string | null;
  readonly threshold: number;
  readonly canary: boolean;
  readonly propensity: number;
  readonly moved: boolean;
  readonly tableVersion: string;
}

export interface Asked {
  /** The model the caller would have used; the table never chooses a dearer one. */
  readonly model?: string | null;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** What the canary's assignment is drawn from. */
  readonly requestId?: string;
  readonly canaryKey?: string;
  readonly canaryShare?: number;
}

export interface Answer {
  /** Refused, empty, truncated, or of a wrong schema. */
  readonly weak?: boolean;
  /** In [0, 1], where the answer has one. */
  readonly confidence?: number | null;
}

interface Row {
  readonly model: string | null;
  readonly incumbent: string | null;
  readonly applied: boolean;
  readonly escalate_to: string | null;
  readonly threshold: number;
}

interface Table {
  readonly version: string;
  readonly profiles: readonly Profile[];
  readonly huge_context_tokens: number;
  readonly premium: string | null;
  readonly busiest_incumbent: string | null;
  readonly rows: Readonly<Record<string, Row | undefined>>;
  readonly blended_mtok: Readonly<Record<string, number | undefined>>;
  readonly windows: Readonly<Record<string, number | undefined>>;
}

export const TABLE: Table = __TABLE__;

/** What the profile classifier is told; the task follows it. */
export const PROMPT: string = __PROMPT__;

const WINDOW_MARGIN = 1.1;
const BYTES_PER_TOKEN = 4;

/** The decision for a task: its profile by one short call, then the table. */
export async function route(
  task: string,
  ask: (prompt: string) => Promise<string>,
  asked: Asked = {},
): Promise<Decision> {
  const answer = (await ask(PROMPT + "\n\n" + JSON.stringify({ prompt: task }))).trim().toLowerCase();
  const profile = TABLE.profiles.find((name) => answer.includes(name)) ?? null;
  const inputTokens = asked.inputTokens ?? Math.ceil(utf8(task).length / BYTES_PER_TOKEN);
  return decide(profile, { ...asked, inputTokens, requestId: asked.requestId ?? task });
}

/** The decision for a profile. A request is moved only to a cheaper model that the table applies and that holds it. */
export function decide(profile: Profile | null, asked: Asked = {}): Decision {
  const tokens = asked.inputTokens ?? 0;
  const output = asked.outputTokens ?? 0;
  const share = asked.canaryShare ?? 0.01;
  const hugeContext = tokens > TABLE.huge_context_tokens;
  const row = (hugeContext ? TABLE.rows[`${profile}/huge`] : undefined) ?? TABLE.rows[`${profile}/standard`];
  const own = asked.model || (row ? row.incumbent : TABLE.busiest_incumbent);
  const stays: Decision = {
    profile, hugeContext, model: own, servedBy: own, escalateTo: null, threshold: 0, canary: false, propensity: 0,
    moved: false, tableVersion: TABLE.version,
  };
  if (!row || !row.applied || row.model === null) return stays;
  const wanted = row.model;
  if (!fits(wanted, tokens, output) || !cheaper(wanted, own)) return stays;
  const premium = TABLE.premium;
  const eligible = premium !== null && premium !== wanted && fits(premium, tokens, output);
  const canary = eligible && canaryDraw(asked.requestId ?? "", asked.canaryKey ?? "") < share;
  const above = row.escalate_to;
  return {
    ...stays, model: wanted, servedBy: canary ? premium : wanted,
    escalateTo: above !== null && fits(above, tokens, output) ? above : null,
    threshold: row.threshold, canary, propensity: eligible ? share : 0, moved: true,
  };
}

/** The one rung up for an answer that is weak or not sure enough; null where there is none. */
export function escalate(decision: Decision, answer: Answer): string | null {
  const confidence = answer.confidence ?? null;
  const unsure = decision.threshold > 0 && (confidence === null || confidence < decision.threshold);
  return answer.weak || unsure ? decision.escalateTo : null;
}

/** The request's place in [0, 1): the first 53 bits of BLAKE2b(request id, key). In the canary below the share. */
export function canaryDraw(requestId: string, key: string): number {
  return Number(blake2b64(utf8(requestId), utf8(key).slice(0, 64)) >> 11n) / 2 ** 53;
}

function fits(model: string, inputTokens: number, outputTokens: number): boolean {
  const window = TABLE.windows[model];
  return window === undefined || inputTokens * WINDOW_MARGIN + outputTokens <= window;
}

function cheaper(model: string, own: string | null): boolean {
  if (own === null) return true;
  const ours = TABLE.blended_mtok[model];
  const theirs = TABLE.blended_mtok[own];
  return ours !== undefined && theirs !== undefined && ours < theirs;
}

function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}

// BLAKE2b (RFC 7693) with a digest of 8 bytes, read as a big-endian number.
const MASK = (1n << 64n) - 1n;
const IV: readonly bigint[] = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const SIGMA: readonly string[] = [
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
  "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
];
const LANES: readonly (readonly number[])[] = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

function blake2b64(input: readonly number[], key: readonly number[]): bigint {
  const state = [...IV];
  state[0] = at(state, 0) ^ 0x01010000n ^ (BigInt(key.length) << 8n) ^ 8n;
  const keyed = key.length ? [...key, ...new Array<number>(128 - key.length).fill(0)] : [];
  const bytes = [...keyed, ...input];
  const blocks = Math.max(1, Math.ceil(bytes.length / 128));
  for (let block = 0; block < blocks; block += 1) {
    const last = block === blocks - 1;
    compress(state, bytes.slice(block * 128, block * 128 + 128), last ? bytes.length : (block + 1) * 128, last);
  }
  let found = 0n;
  for (let byte = 0n; byte < 8n; byte += 1n) found = (found << 8n) | ((at(state, 0) >> (8n * byte)) & 255n);
  return found;
}

function compress(state: bigint[], block: readonly number[], seen: number, last: boolean): void {
  const words: bigint[] = [];
  for (let word = 0; word < 16; word += 1) {
    let value = 0n;
    for (let byte = 7; byte >= 0; byte -= 1) value = (value << 8n) | BigInt(block[word * 8 + byte] ?? 0);
    words.push(value);
  }
  const v = [...state, ...IV];
  v[12] = at(v, 12) ^ BigInt(seen);
  if (last) v[14] = at(v, 14) ^ MASK;
  for (let round = 0; round < 12; round += 1) {
    const order = SIGMA[round % 10] ?? "";
    LANES.forEach((lane, step) => {
      const [a, b, c, d] = [lane[0] ?? 0, lane[1] ?? 0, lane[2] ?? 0, lane[3] ?? 0];
      const word = (offset: number): bigint => at(words, parseInt(order.charAt(2 * step + offset), 16));
      v[a] = (at(v, a) + at(v, b) + word(0)) & MASK;
      v[d] = rotate(at(v, d) ^ at(v, a), 32n);
      v[c] = (at(v, c) + at(v, d)) & MASK;
      v[b] = rotate(at(v, b) ^ at(v, c), 24n);
      v[a] = (at(v, a) + at(v, b) + word(1)) & MASK;
      v[d] = rotate(at(v, d) ^ at(v, a), 16n);
      v[c] = (at(v, c) + at(v, d)) & MASK;
      v[b] = rotate(at(v, b) ^ at(v, c), 63n);
    });
  }
  for (let index = 0; index < 8; index += 1) state[index] = at(state, index) ^ at(v, index) ^ at(v, index + 8);
}

function rotate(word: bigint, by: bigint): bigint {
  return ((word >> by) | (word << (64n - by))) & MASK;
}

function at(words: readonly bigint[], index: number): bigint {
  return words[index] ?? 0n;
}
