import { type Json, listOf, recordOf, textOf } from './json-fields.ts';

/** An error as a provider's JSON words it. */
export interface ErrorBody {
  /** The provider's own sentence; '' when there is none. */
  message: string;
  /** Codes and types, the most exact first. */
  codes: string[];
  /** The HTTP status that the body names: an error inside a stream has no other. */
  status: number | null;
  /** The field of the request that is to blame; '' when it is not named. */
  param: string;
}

/** Of a failure without a body that can be read. */
export const unknownErrorBody: ErrorBody = { message: '', codes: [], status: null, param: '' };

/**
 * The error that the JSON of a body or an event holds, in any of the shapes of servers: `{"error": {…}}`,
 * `{"error": "…"}`, `{"detail": …}`, `{"object": "error", …}`, `{"errors": […]}`, or a list of one of these. Null when
 * it is no error. With `failed` (by its HTTP status), a mere `{"message": "…"}` is one too.
 */
export function errorBody(json: unknown, { failed = false } = {}): ErrorBody | null {
  const body = recordOf(Array.isArray(json) ? json[0] : json);
  if (!body) return null;
  const told = body['error'] ?? listOf(body['errors'])[0] ?? choiceError(body);
  if (typeof told === 'string' && told !== '') return { ...read(body), message: told };
  const inner = recordOf(told);
  if (inner && Object.keys(inner).length > 0) return errorBody(inner) ?? read(inner);
  if (isAnswer(body)) return null;
  const isError = body['object'] === 'error' || body['type'] === 'error';
  return failed || isError || body['detail'] ? read(body) : null;
}

const choiceError = (body: Json): unknown => recordOf(listOf(body['choices'])[0])?.['error'];

const isAnswer = (body: Json): boolean => 'choices' in body || 'delta' in body || 'content' in body;

function read(error: Json): ErrorBody {
  const { code, type, status, message, msg, detail, metadata } = error;
  const raw = textOf(recordOf(metadata)?.['raw']);
  const sentence = textOf(message) || textOf(msg) || detailText(detail);
  const statuses = [code, status, error['statusCode']].map(Number);
  return {
    message: raw === '' ? sentence : `${sentence}: ${raw}`,
    codes: [code, type, status].filter((value) => typeof value === 'string'),
    status: statuses.find((value) => value >= 400 && value < 600) ?? null,
    param: textOf(error['param']),
  };
}

/** Frameworks list the fields that they refuse: `{"loc": ["body", "stream_options"], "msg": "…"}`. */
function detailText(detail: unknown): string {
  if (typeof detail === 'string') return detail;
  const items = Array.isArray(detail) ? detail : [detail];
  return items
    .map(recordOf)
    .map((item) => {
      const place = listOf(item?.['loc']).join('.');
      const why = textOf(item?.['msg']) || textOf(item?.['message']);
      return place === '' ? why : `${place}: ${why}`;
    })
    .filter((text) => text !== '')
    .join('; ');
}
