import {
  type ColumnType,
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlQuery,
  type SqlQueryable,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { startEmbeddedServer } from '../src/data/embedded/embedded-server.ts';
import { silentLog } from './silent-log.ts';

const provider = 'postgres';
const adapterName = '@prisma/adapter-pg';

/** The types of the columns that the schema engine meets in the catalogs, by OID; anything else is text to it. */
const columnTypes: Record<number, ColumnType> = {
  16: ColumnTypeEnum.Boolean,
  18: ColumnTypeEnum.Character,
  20: ColumnTypeEnum.Int64,
  21: ColumnTypeEnum.Int32,
  23: ColumnTypeEnum.Int32,
  26: ColumnTypeEnum.Int64,
  1002: ColumnTypeEnum.CharacterArray,
  1003: ColumnTypeEnum.TextArray,
  1005: ColumnTypeEnum.Int32Array,
  1007: ColumnTypeEnum.Int32Array,
  1009: ColumnTypeEnum.TextArray,
  1015: ColumnTypeEnum.TextArray,
  1016: ColumnTypeEnum.Int64Array,
  1028: ColumnTypeEnum.Int64Array,
  1114: ColumnTypeEnum.DateTime,
  1184: ColumnTypeEnum.DateTime,
};

/**
 * An empty embedded database in memory, as Prisma's schema engine wants to see one. Prisma's own adapter for node-postgres
 * can't serve it: that one rejects the catalogs' type "char" and splits scripts at every semicolon.
 */
export async function openSchemaAdapter(): Promise<SqlDriverAdapter> {
  const server = await startEmbeddedServer({ dataDir: 'memory://' }, silentLog);
  const client = new pg.Client({
    stream: () => server.connect(),
    user: 'postgres',
    database: 'postgres',
  });
  await client.connect();
  const queryable = queryableOver(client);
  return {
    ...queryable,
    executeScript: async (script) => void (await client.query(script).catch(rethrow)),
    async startTransaction() {
      await client.query('BEGIN');
      const run = async (statement: string): Promise<void> => void (await client.query(statement));
      return {
        ...queryable,
        options: { usePhantomQuery: true },
        commit: () => run('COMMIT'),
        rollback: () => run('ROLLBACK'),
        createSavepoint: (name) => run(`SAVEPOINT ${name}`),
        rollbackToSavepoint: (name) => run(`ROLLBACK TO SAVEPOINT ${name}`),
        releaseSavepoint: (name) => run(`RELEASE SAVEPOINT ${name}`),
      };
    },
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    async dispose() {
      await client.end();
      await server.close();
    },
  };
}

function queryableOver(client: pg.Client): SqlQueryable {
  const run = ({ sql, args }: SqlQuery) =>
    client.query<unknown[]>({ text: sql, values: args, rowMode: 'array' }).catch(rethrow);
  return {
    provider,
    adapterName,
    async queryRaw(query) {
      const { fields, rows } = await run(query);
      return {
        columnNames: fields.map(({ name }) => name),
        columnTypes: fields.map(({ dataTypeID }) => columnTypes[dataTypeID] ?? ColumnTypeEnum.Text),
        rows,
      };
    },
    executeRaw: async (query) => (await run(query)).rowCount ?? 0,
  };
}

/** The engine knows only errors of its own kind. */
function rethrow(error: unknown): never {
  if (!(error instanceof pg.DatabaseError)) throw error;
  const { code = '', severity = '', message, detail, column, hint } = error;
  throw new DriverAdapterError({
    kind: 'postgres',
    originalCode: code,
    originalMessage: message,
    code,
    severity,
    message,
    detail,
    column,
    hint,
  });
}
