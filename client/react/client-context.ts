import { createContext, createElement, type ReactNode, useContext } from 'react';
import type { Client } from '../create-client.ts';

const ClientContext = createContext<Client | null>(null);

/** Gives a client to every hook below. */
export function TesseraProvider({ client, children }: { client: Client; children?: ReactNode }) {
  return createElement(ClientContext, { value: client }, children);
}

/** The client that was given to the hook, else the provider's. */
export function useClient(own?: Client): Client {
  const given = useContext(ClientContext);
  const client = own ?? given;
  if (client) return client;
  throw new Error('tessera/react: wrap the application in <TesseraProvider client={…}>.');
}
