import type { Service } from '../wire/objects.ts';
import type { VariablePlacement } from './types.ts';

// Service variables: k8s.io/kubernetes v1.33.13 pkg/kubelet/envvars/envvars.go and
// kubelet_pods.go getServiceEnvVarMap.

/** Which services a pod hears of. */
export interface ServiceView {
  readonly services: readonly Service[];
  readonly namespace: string;
  /** enableServiceLinks: false leaves only the API server's. */
  readonly links: boolean;
}

/** The variables of the declared services, in the kubelet's way. */
export function serviceVariables(view: ServiceView): VariablePlacement[] {
  const chosen = new Map<string, Service>();
  for (const service of view.services) {
    const namespace = service.namespace ?? view.namespace;
    const own = view.links && namespace === view.namespace;
    const apiServer = service.name === 'kubernetes' && namespace === 'default';
    const taken = chosen.has(service.name) && !own;
    if (service.clusterIP !== '' && (own || apiServer) && !taken) chosen.set(service.name, service);
  }
  return [...chosen.values()].flatMap(variablesOf);
}

function variablesOf(service: Service): VariablePlacement[] {
  const prefix = service.name.toUpperCase().replaceAll('-', '_');
  const [first] = service.ports;
  const variables: [string, string][] = [[`${prefix}_SERVICE_HOST`, service.clusterIP]];
  if (first !== undefined) {
    variables.push([`${prefix}_SERVICE_PORT`, String(first.port)]);
    for (const port of service.ports.filter((one) => one.name !== '')) {
      const name = port.name.toUpperCase().replaceAll('-', '_');
      variables.push([`${prefix}_SERVICE_PORT_${name}`, String(port.port)]);
    }
    variables.push([`${prefix}_PORT`, urlOf(service, first)]);
  }
  for (const port of service.ports) {
    const base = `${prefix}_PORT_${port.port}_${port.protocol.toUpperCase()}`;
    variables.push(
      [base, urlOf(service, port)],
      [`${base}_PROTO`, port.protocol.toLowerCase()],
      [`${base}_PORT`, String(port.port)],
      [`${base}_ADDR`, service.clusterIP],
    );
  }
  return variables.map(([name, text]) => ({
    kind: 'variable',
    layer: 'service',
    name,
    source: { kind: 'text', text, of: `service ${service.name}` },
    rule: `service ${service.name}`,
  }));
}

function urlOf(service: Service, port: Service['ports'][number]): string {
  const host = service.clusterIP.includes(':') ? `[${service.clusterIP}]` : service.clusterIP;
  return `${port.protocol.toLowerCase()}://${host}:${port.port}`;
}
