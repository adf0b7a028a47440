import { z } from 'zod';
import { ToolError } from '../../kernel/tools/tool-error.ts';

export interface OpenMeteo {
  /** Base URLs: "https://geocoding-api.open-meteo.com" and "https://api.open-meteo.com". */
  geocodingUrl: string;
  forecastUrl: string;
  apiKey: string | undefined;
}

const places = z.object({
  results: z
    .array(
      z.object({
        name: z.string(),
        country: z.string().optional(),
        admin1: z.string().optional(),
        latitude: z.number(),
        longitude: z.number(),
      }),
    )
    .default([]),
});
export type Place = z.output<typeof places>['results'][number];

const forecasts = z.object({
  timezone: z.string(),
  current: z.object({
    time: z.string(),
    temperature_2m: z.number(),
    apparent_temperature: z.number(),
    relative_humidity_2m: z.number(),
    precipitation: z.number(),
    wind_speed_10m: z.number(),
    weather_code: z.number(),
  }),
  daily: z.object({
    time: z.array(z.string()),
    weather_code: z.array(z.number()),
    temperature_2m_min: z.array(z.number()),
    temperature_2m_max: z.array(z.number()),
    precipitation_probability_max: z.array(z.number().nullable()),
  }),
});
export type Forecast = z.output<typeof forecasts>;

async function getJson<Schema extends z.ZodType>(
  url: URL,
  schema: Schema,
  signal: AbortSignal,
): Promise<z.output<Schema>> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new ToolError('the weather service cannot be reached; try again later', { cause: error });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new ToolError(`the weather service answered with ${response.status}; try again later`);
  }
  const answer = schema.safeParse(await response.json().catch(() => null));
  if (!answer.success) {
    throw new ToolError('the weather service answered in a form that is not known', {
      cause: answer.error,
    });
  }
  return answer.data;
}

function urlOf(base: string, path: string, parameters: Record<string, string | undefined>): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** The place that is meant most likely, by open-meteo.com/en/docs/geocoding-api; null when there is none. */
export async function findPlace(
  { geocodingUrl, apiKey }: OpenMeteo,
  name: string,
  signal: AbortSignal,
): Promise<Place | null> {
  const parameters = { name, count: '1', language: 'en', format: 'json', apikey: apiKey };
  const { results } = await getJson(urlOf(geocodingUrl, '/v1/search', parameters), places, signal);
  return results[0] ?? null;
}

/** Now and the next days, by open-meteo.com/en/docs. */
export function readForecast(
  { forecastUrl, apiKey }: OpenMeteo,
  request: { place: Place; days: number; units: 'metric' | 'imperial' },
  signal: AbortSignal,
): Promise<Forecast> {
  const { place, days, units } = request;
  const imperial = units === 'imperial';
  const parameters = {
    latitude: String(place.latitude),
    longitude: String(place.longitude),
    current: Object.keys(forecasts.shape.current.shape)
      .filter((name) => name !== 'time')
      .join(','),
    daily: Object.keys(forecasts.shape.daily.shape)
      .filter((name) => name !== 'time')
      .join(','),
    timezone: 'auto',
    forecast_days: String(days),
    temperature_unit: imperial ? 'fahrenheit' : undefined,
    wind_speed_unit: imperial ? 'mph' : undefined,
    precipitation_unit: imperial ? 'inch' : undefined,
    apikey: apiKey,
  };
  return getJson(urlOf(forecastUrl, '/v1/forecast', parameters), forecasts, signal);
}

/** WMO code table 4677, as far as forecasts use it. */
const sky: Record<number, string> = {
  0: 'clear sky',
  1: 'mainly clear',
  2: 'partly cloudy',
  3: 'overcast',
  45: 'fog',
  48: 'rime fog',
  51: 'light drizzle',
  53: 'drizzle',
  55: 'dense drizzle',
  56: 'light freezing drizzle',
  57: 'freezing drizzle',
  61: 'light rain',
  63: 'rain',
  65: 'heavy rain',
  66: 'light freezing rain',
  67: 'freezing rain',
  71: 'light snow',
  73: 'snow',
  75: 'heavy snow',
  77: 'snow grains',
  80: 'light rain showers',
  81: 'rain showers',
  82: 'violent rain showers',
  85: 'light snow showers',
  86: 'snow showers',
  95: 'thunderstorm',
  96: 'thunderstorm with hail',
  99: 'thunderstorm with heavy hail',
};

export const conditionOf = (code: number): string => sky[code] ?? `weather code ${code}`;
