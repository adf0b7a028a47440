import { embeddedTemplate } from './embedded-template.ts';
import { createServerDatabase } from './server-template.ts';

/** Makes the migrated template before the tests' time starts to count. */
export default async function setup(): Promise<void> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  if (!serverUrl) {
    await embeddedTemplate();
    return;
  }
  const { drop } = await createServerDatabase(serverUrl);
  await drop();
}
