import pg from 'pg';

const numericArray = 1231;
const textArray = 1009;

/**
 * How `Database.query` reads columns: numeric and int8 are exact strings (write `COUNT(*)::int` for a number), arrays of
 * them too; timestamptz is a Date, json and jsonb are parsed, a vector is its text `[1,2,3]`.
 */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    // The driver's own parser makes floats of numeric[].
    pg.types.getTypeParser(
      oid === numericArray ? textArray : oid,
      format,
    )) as pg.CustomTypesConfig['getTypeParser'],
};
