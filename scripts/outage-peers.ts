// What other tools did with the same faults, for docs/outages.md. Measured on 2026-08, each built
// from its source: secrets-init 2b2811a, secret-init 2ddb400, vault-env d98bbf9, envconsul 5e43222,
// chamber 8936b38, ssm-env 85ce595, vals 5e1eb8a.

/** By fault. */
export const PEERS: Readonly<Record<string, string>> = {
  'connection refused':
    'given up: ssm-env 0.4 s, secrets-init 0.5 s, secret-init 2.8 s, vault-env 3.5 s; still trying after 60 s: chamber, envconsul',
  'hangs before the headers':
    'vault-env 60 s; still waiting after 65 s: secret-init, secrets-init, envconsul, chamber, ssm-env',
  '503 twice, then fine':
    'secret-init 1.8 s, secrets-init 2.6 s, ssm-env 2.8 s, vals 3.0 s, envconsul 3.8 s, chamber 3.9 s, vault-env 4.3 s',
  '503 eight times, then fine':
    'failed: secret-init, vault-env, ssm-env, vals; still trying after 40 s: envconsul, chamber; secrets-init **started the program without values**',
};

/** By quota and store: 20 copies, 10 secrets each. */
export const PEER_HERDS: Readonly<Record<string, string>> = {
  '40 requests/s aws-ssm': 'ssm-env 20 of 20, 0.1 / 0.1 s, 20 requests; chamber the same',
  '100 requests/s aws-ssm': 'ssm-env 20 of 20, 0.2 / 0.2 s; chamber the same',
  '40 requests/s aws-secrets-manager':
    'secrets-init 20 of 20, 3.0 / 6.9 s, 53 throttled; secret-init 20 of 20, 3.3 / 5.1 s',
  '100 requests/s aws-secrets-manager':
    'secrets-init 20 of 20, 1.1 / 1.5 s; secret-init 20 of 20, 1.0 / 2.8 s',
  '40 requests/s vault':
    'vault-env 20 of 20, 3.0 / 5.2 s; envconsul 0 of 20 in 60 s, 886 requests, 587 throttled',
  '100 requests/s vault':
    'vault-env 20 of 20, 1.7 / 2.2 s; envconsul 20 of 20, 4.4 / 4.6 s, 633 requests',
};
