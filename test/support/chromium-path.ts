/** The browser of the tests: `CHROMIUM_PATH`, else Debian's. */
export const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
