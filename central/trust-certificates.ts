import { getCACertificates, setDefaultCACertificates } from "node:tls";

/** Adds certificates to what this process trusts in outgoing TLS; fetch has no option of its own for it. */
export function trustCertificates(pem: string): void {
  setDefaultCACertificates([...getCACertificates("default"), pem]);
}
