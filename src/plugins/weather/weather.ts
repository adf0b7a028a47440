import { z } from 'zod';
import { definePlugin } from '../../kernel/plugin.ts';
import { defineTool } from '../../kernel/tool.ts';
import { ToolError } from '../../kernel/tools/tool-error.ts';
import {
  conditionOf,
  type Forecast,
  findPlace,
  type OpenMeteo,
  type Place,
  readForecast,
} from './open-meteo.ts';

const options = z.object({
  units: z.enum(['metric', 'imperial']).default('metric'),
  geocodingUrl: z.url().default('https://geocoding-api.open-meteo.com'),
  forecastUrl: z.url().default('https://api.open-meteo.com'),
  apiKey: z.string().min(1).optional().describe('Only for commercial use of Open-Meteo.'),
});

const output = z.object({
  place: z.string(),
  timeZone: z.string(),
  units: z.object({ temperature: z.string(), wind: z.string(), precipitation: z.string() }),
  now: z.object({
    time: z.string().describe('Local time of the place.'),
    condition: z.string(),
    temperature: z.number(),
    feelsLike: z.number(),
    humidityPercent: z.number(),
    wind: z.number(),
    precipitation: z.number(),
  }),
  days: z.array(
    z.object({
      date: z.string(),
      condition: z.string(),
      low: z.number(),
      high: z.number(),
      rainProbabilityPercent: z.number().nullable(),
    }),
  ),
});

const unitNames = {
  metric: { temperature: '°C', wind: 'km/h', precipitation: 'mm' },
  imperial: { temperature: '°F', wind: 'mph', precipitation: 'inch' },
};

function report(place: Place, { timezone, current, daily }: Forecast) {
  return {
    place: [place.name, place.admin1, place.country].filter(Boolean).join(', '),
    timeZone: timezone,
    now: {
      time: current.time,
      condition: conditionOf(current.weather_code),
      temperature: current.temperature_2m,
      feelsLike: current.apparent_temperature,
      humidityPercent: current.relative_humidity_2m,
      wind: current.wind_speed_10m,
      precipitation: current.precipitation,
    },
    days: daily.time.map((date, index) => ({
      date,
      condition: conditionOf(daily.weather_code[index] ?? -1),
      low: daily.temperature_2m_min[index] ?? Number.NaN,
      high: daily.temperature_2m_max[index] ?? Number.NaN,
      rainProbabilityPercent: daily.precipitation_probability_max[index] ?? null,
    })),
  };
}

const getWeather = (service: OpenMeteo, units: 'metric' | 'imperial') =>
  defineTool({
    name: 'get_weather',
    description: 'Tells the weather of a place now and the forecast of up to a week.',
    input: z.object({
      place: z.string().min(2).max(100).describe('A town, in English or its own language.'),
      days: z.int().min(1).max(7).default(3).describe('Days of forecast, today included.'),
    }),
    output,
    idempotent: true,
    retries: 2,
    timeoutMs: 10_000,
    async run({ place: name, days }, { signal }) {
      const place = await findPlace(service, name, signal);
      if (!place) throw new ToolError(`there is no place "${name}": give the name of a town alone`);
      const forecast = await readForecast(service, { place, days, units }, signal);
      return { ...report(place, forecast), units: unitNames[units] };
    },
  });

/** The weather of Open-Meteo (CC BY 4.0; no key for non-commercial use). */
export const weather = definePlugin({
  name: 'weather',
  version: '1.0.0',
  description: 'Tells agents the weather, by Open-Meteo.',
  options,
  setup: ({ units, geocodingUrl, forecastUrl, apiKey }) => ({
    tools: [getWeather({ geocodingUrl, forecastUrl, apiKey }, units)],
  }),
});
