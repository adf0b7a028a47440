import { expect, test } from 'vitest';
import { weather } from '../../src/plugins/weather/weather.ts';
import { callTool } from '../../src/testing.ts';
import { startStandIn } from './support/stand-in-server.ts';

const json = (value: unknown) => (response: import('node:http').ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));

const madrid = {
  results: [
    {
      name: 'Madrid',
      admin1: 'Madrid',
      country: 'Spain',
      country_code: 'ES',
      latitude: 40.4165,
      longitude: -3.70256,
    },
  ],
};
const forecast = {
  timezone: 'Europe/Madrid',
  current: {
    time: '2026-11-22T14:00',
    interval: 900,
    temperature_2m: 14.2,
    weather_code: 2,
    apparent_temperature: 13.1,
    relative_humidity_2m: 55,
    precipitation: 0,
    wind_speed_10m: 7.4,
  },
  daily: {
    time: ['2026-11-22', '2026-11-23'],
    weather_code: [3, 61],
    temperature_2m_min: [5.1, 6.3],
    temperature_2m_max: [15, 12.4],
    precipitation_probability_max: [0, null],
  },
};

const at = (url: string) => ({ geocodingUrl: url, forecastUrl: url });

test('get_weather finds the place and reads its weather', async () => {
  await using service = await startStandIn({
    '/v1/search': json(madrid),
    '/v1/forecast': json(forecast),
  });
  const call = { tool: 'get_weather', input: { place: 'Madrid', days: 2 } };
  const { output } = await callTool(weather({ ...at(service.url), units: 'imperial' }), call);
  expect(output).toEqual({
    place: 'Madrid, Madrid, Spain',
    timeZone: 'Europe/Madrid',
    units: { temperature: '°F', wind: 'mph', precipitation: 'inch' },
    now: {
      time: '2026-11-22T14:00',
      condition: 'partly cloudy',
      temperature: 14.2,
      feelsLike: 13.1,
      humidityPercent: 55,
      wind: 7.4,
      precipitation: 0,
    },
    days: [
      { date: '2026-11-22', condition: 'overcast', low: 5.1, high: 15, rainProbabilityPercent: 0 },
      {
        date: '2026-11-23',
        condition: 'light rain',
        low: 6.3,
        high: 12.4,
        rainProbabilityPercent: null,
      },
    ],
  });
  const [search, read] = service.asked.map(({ searchParams }) => Object.fromEntries(searchParams));
  expect(search).toEqual({ name: 'Madrid', count: '1', language: 'en', format: 'json' });
  expect(read).toMatchObject({
    latitude: '40.4165',
    longitude: '-3.70256',
    timezone: 'auto',
    forecast_days: '2',
    temperature_unit: 'fahrenheit',
    wind_speed_unit: 'mph',
    current: expect.stringMatching(/temperature_2m.*weather_code/),
    daily: expect.stringMatching(/temperature_2m_max/),
  });
});

test.for([
  ['a place that is not there', json({}), 'there is no place "Xyz"'],
  ['a service that fails', undefined, 'answered with 404; try again later'],
  ['an answer it does not know', json({ results: [{}] }), 'in a form that is not known'],
] as const)('get_weather tells of %s', async ([, answer, message]) => {
  await using service = await startStandIn(answer ? { '/v1/search': answer } : {});
  const call = { tool: 'get_weather', input: { place: 'Xyz' } };
  await expect(callTool(weather(at(service.url)), call)).rejects.toThrow(message);
});

test('get_weather tells of a service that cannot be reached, and stops with its run', async () => {
  const gone = await startStandIn({});
  await gone[Symbol.asyncDispose]();
  const call = { tool: 'get_weather', input: { place: 'Madrid' } };
  await expect(callTool(weather(at(gone.url)), call)).rejects.toThrow('cannot be reached');
  await using silent = await startStandIn({ '/v1/search': () => undefined });
  const signal = AbortSignal.timeout(50);
  const stopped = callTool(weather(at(silent.url)), call, { context: { signal } });
  await expect(stopped).rejects.toThrow(/timeout/);
});
