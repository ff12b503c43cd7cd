import { checkTogether } from "../shared/limits.ts";
import type { NewMember } from "../store/family.ts";
import type { Meter } from "../store/meter.ts";
import type {
  EnqueueStore,
  ExchangeRequest,
  Fire,
  Lease,
  LeasedJob,
  NewJob,
  Outcome,
  Page,
  QueueStore,
  SealedTexts,
  SettleRequest,
  StoredJob,
} from "../store/store.ts";
import { openDocument, openEntry, sealDocument, sealEntry } from "./entries.ts";
import type { Keys } from "./keys.ts";
import { ofSchedule, openRecord, sealRecord } from "./records.ts";

type Recorded = { readonly id: string; readonly record: string };

const ENCRYPTED = "The jobs, encrypted, which adds a third,";

async function sealJob(job: NewJob, keys: Keys, kept?: SealedTexts): Promise<NewJob> {
  const { id, record, dedupe } = job;
  // The payload of a job that may replace another one is bound to the dedupe key: it would get the id of that one.
  const debounce = dedupe?.replaces === undefined ? "" : `,"debounce":${JSON.stringify(dedupe.key)}}`;
  const text = debounce === "" ? record : record.slice(0, -1) + debounce;
  return { ...job, record: await sealRecord(text, id, keys, kept) };
}

export function encryptedProducer(store: EnqueueStore, keys: Keys): EnqueueStore {
  return {
    async enqueue(jobs, now) {
      const kept = jobs.map((): SealedTexts => new Map());
      const sealed = await Promise.all(jobs.map((job, index) => sealJob(job, keys, kept[index])));
      checkTogether(sealed, ENCRYPTED);
      const replies = await store.enqueue(sealed, now);
      return replies.map((reply, index) => ({ ...reply, lease: withKept(reply.lease, kept[index]) }));
    },
  };
}

function withKept<Given extends Lease | undefined>(lease: Given, sealed: SealedTexts | undefined): Given {
  return lease && sealed ? { ...lease, sealed } : lease;
}

/**
 * A store that encrypts what goes in and decrypts what comes out. It sends what the store would send without it.
 *
 * @param meter as in `Store.open`: a request counts from when it is made, though encrypting it takes a moment.
 */
export function encryptedStore(store: QueueStore, keys: Keys, meter: Meter | undefined): QueueStore {
  /** The cipher texts of jobs that outcomes make: an outcome that is sent again has the same ones. */
  const ofFollowUps = new WeakMap<object, SealedTexts>();

  const sealed = <Item extends Recorded>(item: Item, kept?: SealedTexts): Promise<Item> =>
    sealRecord(item.record, item.id, keys, kept).then((record) => ({ ...item, record }));

  const opened = async (job: StoredJob): Promise<StoredJob> => {
    const { text } = await openRecord(job.record, job.id, keys);
    return { ...job, record: text };
  };
  const openedAll = (jobs: readonly StoredJob[]) => Promise.all(jobs.map(opened));
  const openedPage = async (page: Page<StoredJob>) => ({ ...page, items: await openedAll(page.items) });

  const openedLeased = async (job: LeasedJob): Promise<LeasedJob> => {
    const kept: SealedTexts = new Map();
    const { text, isTampered } = await openRecord(job.record, job.lease.id, keys, kept);
    return { ...job, lease: withKept(job.lease, kept), record: text, ...(isTampered && { isTampered }) };
  };

  const sealedOutcome = async (outcome: Outcome): Promise<Outcome> => {
    const { lease, record, followUps } = outcome;
    const text = await sealRecord(record, lease.id, keys, lease.sealed);
    const jobs =
      followUps &&
      (await Promise.all(
        followUps.map((job) => {
          const kept = ofFollowUps.get(job) ?? new Map();
          ofFollowUps.set(job, kept);
          return sealed(job, kept);
        }),
      ));
    return { ...outcome, record: text, ...(jobs && { followUps: jobs }) } as Outcome;
  };

  const sealedFire = async (fire: Fire): Promise<Fire> => {
    // All jobs of a schedule have the same payload, and the same cipher text.
    const kept: SealedTexts = new Map();
    const entry = await sealEntry(fire, keys, kept);
    const jobs: Fire["jobs"][number][] = [];
    for (const job of fire.jobs) jobs.push(await sealed(job, kept));
    if (!fire.unless) return { ...entry, jobs };
    const skippedRecord = await sealRecord(fire.unless.skippedRecord, ofSchedule(fire.key), keys, kept);
    return { ...entry, jobs, unless: { ...fire.unless, skippedRecord } };
  };

  /** Encrypts what a request sends, with room kept for the request: it is counted only when it is sent. */
  const sealing = async <Sealed>(seal: () => Promise<Sealed>): Promise<Sealed> => {
    const release = meter?.hold?.(1);
    try {
      return await seal();
    } finally {
      release?.();
    }
  };
  const settling = <Request extends SettleRequest>(request: Request, fires: readonly Fire[]): Promise<Request> =>
    sealing(async () => ({
      ...request,
      settle: await Promise.all(request.settle.map(sealedOutcome)),
      ...(fires.length > 0 && { fire: await Promise.all(fires.map(sealedFire)) }),
    }));

  const calls = {
    enqueue: encryptedProducer(store, keys).enqueue,
    async enqueueFamily(family, now) {
      const [parent, ...children] = await Promise.all(family.members.map((member) => sealed(member)));
      const members = [parent as NewMember, ...children] as const;
      checkTogether(members, ENCRYPTED);
      return store.enqueueFamily({ ...family, members }, now);
    },
    async settle(request) {
      return store.settle(request.settle.length === 0 ? request : await settling(request, []));
    },
    async exchange(request) {
      const { settle, fire } = request;
      const hasRecords = settle.length + fire.length > 0;
      const reply = await store.exchange(hasRecords ? await settling<ExchangeRequest>(request, fire) : request);
      const jobs = await Promise.all(reply.jobs.map(openedLeased));
      return { ...reply, jobs, schedules: await Promise.all(reply.schedules.map((each) => openEntry(each, keys))) };
    },
    async extend(renewals) {
      const hasRecords = renewals.some(({ record }) => record !== undefined);
      const seal = () =>
        Promise.all(
          renewals.map(async (renewal) => {
            const { lease, record } = renewal;
            if (record === undefined) return renewal;
            return { ...renewal, record: await sealRecord(record, lease.id, keys, lease.sealed) };
          }),
        );
      return store.extend(hasRecords ? await sealing(seal) : renewals);
    },
    async signal(signal, now) {
      // The record that gets the signal says which one it is, and the signal is bound to that.
      const record = await sealRecord(`1:{"signal":${signal.text}}`, "", keys);
      return store.signal({ ...signal, text: record.slice('4:{"signal":'.length, -1) }, now);
    },
    find: (id, now) => store.find(id, now).then((job) => job && opened(job)),
    async findEach(...request) {
      const found = await store.findEach(...request);
      return { ...found, jobs: await openedAll(found.jobs) };
    },
    list: (state, page) => store.list(state, page).then(openedPage),
    async failures(page) {
      const found = await store.failures(page);
      const open = async (each: (typeof found.items)[number]) => ({ ...each, sample: await opened(each.sample) });
      return { ...found, items: await Promise.all(found.items.map(open)) };
    },
    async change(change) {
      const { id, record } = change;
      return store.change(record === undefined ? change : { ...change, record: await sealRecord(record, id, keys) });
    },
    retryDead: async (retries, now) => store.retryDead(await Promise.all(retries.map((each) => sealed(each))), now),
    listSchedules: async (key) => Promise.all((await store.listSchedules(key)).map((each) => openEntry(each, keys))),
    async changeSchedules({ put = [], ...change }) {
      return store.changeSchedules({ ...change, put: await Promise.all(put.map((each) => sealEntry(each, keys))) });
    },
    findDocument: (kind, name, now) =>
      store.findDocument(kind, name, now).then((found) => found && openDocument(kind, found, keys)),
    async listDocuments(page) {
      const { kind = "" } = page;
      const found = await store.listDocuments(page);
      return { ...found, items: await Promise.all(found.items.map((each) => openDocument(kind, each, keys))) };
    },
    async changeDocuments(changes, now) {
      const seal = async (change: (typeof changes)[number]) => {
        const { kind, name, text } = change;
        return text === undefined ? change : { ...change, text: await sealDocument(kind, name, text, keys) };
      };
      return store.changeDocuments(await Promise.all(changes.map(seal)), now);
    },
  } satisfies Partial<QueueStore>;
  // What moves no record goes to the store as it is.
  return { ...store, ...calls };
}
