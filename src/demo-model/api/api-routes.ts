import type { IncomingHttpHeaders } from 'node:http';
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import { ApiError, invalidRequest } from '../api-error.ts';
import { findModel, listModels } from './model-catalogue.ts';

/** 401 without a bearer token, 400 without an API version. */
export function checkHeaders(headers: IncomingHttpHeaders, requireKey: boolean): void {
  if (requireKey && !/^Bearer\s+\S/i.test(headers.authorization ?? '')) {
    throw new ApiError(401, 'Authorization: a bearer token is required');
  }
  if (headers['anthropic-version'] === undefined)
    throw invalidRequest('anthropic-version: header is required');
}

export function parseJsonBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalidRequest(
      `The request body is not valid JSON: ${String(error instanceof Error ? error.message : error)}`,
    );
  }
}

/** `GET /v1/models/:id`. */
export function modelById(id: string): ModelInfo {
  const model = findModel(decodeURIComponent(id));
  if (model === undefined) throw new ApiError(404, `model: ${id}`);
  return model;
}

/** `GET /v1/models`, with `limit`, `after_id`, `before_id` and `lifecycle` as the API takes them. */
export function modelPage(query: URLSearchParams): object {
  const lifecycles = [...query.getAll('lifecycle'), ...query.getAll('lifecycle[]')];
  const all = listModels().filter(
    ({ lifecycle }) => lifecycles.length === 0 || lifecycles.includes(lifecycle),
  );
  const limit = Math.min(1_000, Math.max(1, Number(query.get('limit') ?? 20) || 20));
  const after = all.findIndex(({ id }) => id === query.get('after_id'));
  const before = all.findIndex(({ id }) => id === query.get('before_id'));
  const data =
    before >= 0
      ? all.slice(Math.max(0, before - limit), before)
      : all.slice(after + 1, after + 1 + limit);
  const rest = before >= 0 ? before - data.length > 0 : after + 1 + data.length < all.length;
  return { data, has_more: rest, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
