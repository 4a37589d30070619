import { DatabaseSync } from "node:sqlite";
import type {
  Account,
  Comment,
  Delivery,
  DeliveryContent,
  Installation,
  InstallationToken,
  PullRequest,
  Repository,
} from "./records.ts";

export type Collection<T extends { id: number }> = {
  get(id: number): T | undefined;
  all(): T[];
  find(matches: (record: T) => boolean): T | undefined;
  filter(matches: (record: T) => boolean): T[];
  put(record: T): T;
  delete(id: number): void;
};

export type Store = {
  accounts: Collection<Account>;
  repositories: Collection<Repository>;
  pullRequests: Collection<PullRequest>;
  comments: Collection<Comment>;
  installations: Collection<Installation>;
  installationTokens: Collection<InstallationToken>;
  deliveries: Collection<Delivery>;
  deliveryContent(id: number): DeliveryContent | undefined;
  putDelivery(delivery: Delivery, content: DeliveryContent): void;
  deleteDelivery(id: number): void;
  /** The next id. Ids start above 2^31 and are unique over all kinds, so that code which narrows or mixes them fails here too. */
  nextId(): number;
  setting(name: string): string | undefined;
  setSetting(name: string, value: string): void;
  close(): void;
};

const firstId = 3_000_000_001;

/** Opens the forge's memory: records are held in memory and written through to SQLite, so that each answer is durable when it is given. */
export function openStore(file: string): Store {
  const database = new DatabaseSync(file);
  database.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    create table if not exists records (kind text not null, id integer not null, body text not null, primary key (kind, id)) without rowid;
    create table if not exists settings (name text primary key, value text not null);
  `);
  const select = database.prepare("select id, body from records where kind = ? order by id");
  const selectOne = database.prepare("select body from records where kind = ? and id = ?");
  const upsert = database.prepare(
    "insert into records values (?, ?, ?) on conflict (kind, id) do update set body = excluded.body",
  );
  const remove = database.prepare("delete from records where kind = ? and id = ?");
  const selectSetting = database.prepare("select value from settings where name = ?");
  const upsertSetting = database.prepare(
    "insert into settings values (?, ?) on conflict (name) do update set value = excluded.value",
  );

  function collection<T extends { id: number }>(kind: string): Collection<T> {
    const records = new Map<number, T>();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this store wrote under this kind
    for (const row of select.iterate(kind)) records.set(Number(row["id"]), JSON.parse(String(row["body"])) as T);
    return {
      get: (id) => records.get(id),
      all: () => [...records.values()],
      find: (matches) => records.values().find(matches),
      filter: (matches) => records.values().filter(matches).toArray(),
      put(record) {
        upsert.run(kind, record.id, JSON.stringify(record));
        records.set(record.id, record);
        return record;
      },
      delete(id) {
        remove.run(kind, id);
        records.delete(id);
      },
    };
  }

  function setting(name: string): string | undefined {
    const row = selectSetting.get(name);
    return row === undefined ? undefined : String(row["value"]);
  }

  const deliveries = collection<Delivery>("delivery");
  let next = Number(setting("next_id") ?? firstId);
  return {
    accounts: collection("account"),
    repositories: collection("repository"),
    pullRequests: collection("pull_request"),
    comments: collection("comment"),
    installations: collection("installation"),
    installationTokens: collection("installation_token"),
    deliveries,
    deliveryContent(id) {
      const row = selectOne.get("delivery_content", id);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this store wrote under this kind
      return row === undefined ? undefined : (JSON.parse(String(row["body"])) as DeliveryContent);
    },
    putDelivery(delivery, content) {
      upsert.run("delivery_content", delivery.id, JSON.stringify(content));
      deliveries.put(delivery);
    },
    deleteDelivery(id) {
      remove.run("delivery_content", id);
      deliveries.delete(id);
    },
    nextId() {
      const id = next++;
      upsertSetting.run("next_id", String(next));
      return id;
    },
    setting,
    setSetting: (name, value) => void upsertSetting.run(name, value),
    close: () => database.close(),
  };
}
