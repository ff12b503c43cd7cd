import { setTimeout } from "node:timers/promises";
import { freePort } from "../../scripts/shared/free-port.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { type Reply, RespClient } from "./resp.ts";

const SLOTS = 16_384;
const PRIMARIES = 3;
const WAIT_MS = 20_000;
const POLL_MS = 10;
/** Each node hears from each other node within half of this. */
const GOSSIP_MS = 500;

type Command = readonly (string | number)[];

interface Node {
  readonly id: string;
  readonly server: RedisServer;
  readonly busPort: number;
  readonly ask: (...command: Command) => Promise<Reply>;
  readonly end: () => Promise<void>;
}

/** Starts a cluster of three primaries with one replica each on this machine, and waits until it serves all slots. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const started = await Promise.allSettled(Array.from({ length: 2 * PRIMARIES }, startNode));
  const nodes = started.flatMap((start) => (start.status === "fulfilled" ? start.value : []));
  try {
    for (const start of started) if (start.status === "rejected") throw start.reason;
    await form(nodes);
    return new RedisCluster(nodes);
  } catch (error) {
    await Promise.all(nodes.map(({ end }) => end()));
    throw error;
  }
}

async function startNode(): Promise<Node> {
  const busPort = await freePort();
  const settings = {
    "cluster-enabled": "yes",
    "cluster-port": String(busPort),
    "cluster-node-timeout": String(GOSSIP_MS),
    // A node that the machine slows down must not be failed over.
    "cluster-replica-no-failover": "yes",
    "cluster-require-full-coverage": "no",
    "repl-diskless-sync-delay": "0",
    // Nodes know a replica once something was replicated to it.
    "repl-ping-replica-period": "1",
  };
  const server = await startRedis({ settings });
  const admin = await RespClient.connect(server.port);
  const ask = async (...command: Command) => {
    const reply = await admin.send(command);
    if (reply instanceof Error) throw new Error(`${command.join(" ")}: ${reply.message}`);
    return reply;
  };
  const end = async () => {
    admin.close();
    await server.stop();
  };
  return { id: String(await ask("CLUSTER", "MYID")), server, busPort, ask, end };
}

async function form(nodes: readonly Node[]): Promise<void> {
  const primaries = nodes.slice(0, PRIMARIES);
  await Promise.all(nodes.map(({ ask }, index) => ask("CLUSTER", "SET-CONFIG-EPOCH", index + 1)));
  const from = (index: number) => Math.ceil((index * SLOTS) / PRIMARIES);
  await Promise.all(
    primaries.map(({ ask }, index) => ask("CLUSTER", "ADDSLOTSRANGE", from(index), from(index + 1) - 1)),
  );
  for (const { ask } of nodes)
    for (const { server, busPort } of nodes) await ask("CLUSTER", "MEET", "127.0.0.1", server.port, busPort);
  await everyNode(nodes, "knows the others", async ({ ask }) => {
    const known = String(await ask("CLUSTER", "NODES"));
    return nodes.every(({ id }) => known.includes(id)) && !known.includes("handshake");
  });
  for (const [index, { ask }] of nodes.slice(PRIMARIES).entries())
    await ask("CLUSTER", "REPLICATE", (primaries[index] as Node).id);
  await everyNode(nodes, "knows the replicas", async (node) => (await rangesOf(node)).every(({ replica }) => replica));
  await everyNode(nodes, "serves its slots", async ({ ask }) =>
    String(await ask("CLUSTER", "INFO")).includes("cluster_state:ok"),
  );
}

/** A range of slots, as a node sees it. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly primary: string;
  readonly replica: string | undefined;
}

async function rangesOf({ ask }: Node): Promise<readonly Range[]> {
  const ranges = (await ask("CLUSTER", "SLOTS")) as [
    number,
    number,
    ...[address: string, port: number, id: string][],
  ][];
  return ranges.map(([from, to, primary, replica]) => ({
    from,
    to,
    primary: primary?.[2] ?? "",
    replica: replica?.[2],
  }));
}

async function everyNode(nodes: readonly Node[], does: string, holds: (node: Node) => Promise<boolean>): Promise<void> {
  await until(`every node ${does}`, async () => (await Promise.all(nodes.map(holds))).every(Boolean));
}

async function until(what: string, holds: () => Promise<boolean>, withinMs = WAIT_MS): Promise<void> {
  for (const end = performance.now() + withinMs; !(await holds()); await setTimeout(POLL_MS))
    if (performance.now() > end) throw new Error(`The cluster did not get there in time: ${what}.`);
}

/** What a test does to a cluster while its clients continue. */
export class RedisCluster {
  #nodes: readonly Node[];

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  /** The ports of the nodes. */
  get ports(): readonly number[] {
    return this.#nodes.map(({ server }) => server.port);
  }

  /** The port of the primary that has a key. */
  async ownerOf(key: string): Promise<number> {
    return (await this.#shardOf(await this.slotOf(key))).primary.server.port;
  }

  /** Makes every node forget its scripts, as a new node knows none. */
  async forgetScripts(): Promise<void> {
    await Promise.all(this.#nodes.map(({ ask }) => ask("SCRIPT", "FLUSH")));
  }

  /** Moves the slot of a key to another primary, its keys one by one. */
  async move(key: string): Promise<void> {
    const slot = await this.slotOf(key);
    const { primary: source } = await this.#shardOf(slot);
    const others = (await rangesOf(source)).filter(({ primary }) => primary !== source.id);
    const target = this.#node(others[slot % others.length]?.primary);
    await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id);
    await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id);
    const nextKey = async () => ((await source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1)) as string[])[0];
    const migrateNext = async (next: string) =>
      source.ask("MIGRATE", "127.0.0.1", target.server.port, next, 0, 5_000).then(
        () => true,
        // The machine can slow a node down so much that it takes the others for lost, until it hears from them again.
        (error: Error) => {
          if (error.message.includes("CLUSTERDOWN")) return false;
          throw error;
        },
      );
    for (let next = await nextKey(); next !== undefined; next = await nextKey()) {
      const key = next;
      await until("a key moves", () => migrateNext(key));
    }
    for (const { ask } of [target, source]) await ask("CLUSTER", "SETSLOT", slot, "NODE", target.id);
    await this.#agreeOn(slot, target);
  }

  /**
   * Makes each replica take over from its primary, one shard after the other, as before maintenance: no write is lost.
   * Not again within a few seconds: a node that is elected twice in that time counts its old votes.
   */
  async failOver(): Promise<void> {
    for (let index = 0; index < PRIMARIES; index++) {
      const slot = Math.floor((index + 0.5) * (SLOTS / PRIMARIES));
      await everyNode(this.#nodes, "knows the replica", async (node) =>
        Boolean((await this.#shardOf(slot, node)).replica),
      );
      const { replica } = await this.#shardOf(slot);
      await replica.ask("CLUSTER", "FAILOVER");
      await this.#agreeOn(slot, replica);
    }
  }

  /** Crashes the primary that has a key once its replica has all writes, and makes that replica take over. */
  async crash(key: string): Promise<void> {
    const slot = await this.slotOf(key);
    const { primary, replica } = await this.#shardOf(slot);
    const offset = async ({ ask }: Node, name: string) =>
      new RegExp(`${name}:(\\d+)`).exec(String(await ask("INFO", "replication")))?.[1];
    await until("the replica has all writes", async () => {
      const written = await offset(primary, "master_repl_offset");
      return written === (await offset(replica, "slave_repl_offset"));
    });
    this.#nodes = this.#nodes.filter((node) => node !== primary);
    await primary.end();
    await replica.ask("CLUSTER", "FAILOVER", "TAKEOVER");
    await this.#agreeOn(slot, replica);
  }

  /** Stops all nodes and deletes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(({ end }) => end()));
  }

  /** The slot of a key. */
  async slotOf(key: string): Promise<number> {
    return Number(await this.#nodes[0]?.ask("CLUSTER", "KEYSLOT", key));
  }

  async #shardOf(slot: number, seenBy = this.#nodes[0] as Node): Promise<{ primary: Node; replica: Node }> {
    const range = (await rangesOf(seenBy)).find(({ from, to }) => from <= slot && slot <= to);
    return { primary: this.#node(range?.primary), replica: this.#node(range?.replica) };
  }

  #node(id: string | undefined): Node {
    return this.#nodes.find((node) => node.id === id) as Node;
  }

  /** If nodes lag behind in epochs, a failover could win that loses against an older one. */
  async #agreeOn(slot: number, primary: Node): Promise<void> {
    const epochOf = async ({ ask }: Node) => /current_epoch:\d+/.exec(String(await ask("CLUSTER", "INFO")))?.[0];
    await everyNode(this.#nodes, "knows the new primary of a slot", async (node) => {
      const isKnown = (await this.#shardOf(slot, node)).primary === primary;
      return isKnown && (await epochOf(node)) === (await epochOf(primary));
    });
  }
}
