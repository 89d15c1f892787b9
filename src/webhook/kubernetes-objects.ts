// Paths and members of the objects that the webhook keeps in Kubernetes.
import type { JsonRecord } from '../stores/_rest.ts';
import { recordIn, textIn } from '../stores/_rest.ts';

/** Where an object and its collection are. */
export interface Place {
  readonly collection: string;
  readonly path: string;
}

export function secretPlace(namespace: string, name: string): Place {
  return placeIn(`/api/v1/namespaces/${namespace}/secrets`, name);
}

export function leasePlace(namespace: string, name: string): Place {
  return placeIn(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`, name);
}

export function podPlace(namespace: string, name: string): Place {
  return placeIn(`/api/v1/namespaces/${namespace}/pods`, name);
}

export function eventPlace(namespace: string, name: string): Place {
  return placeIn(`/api/v1/namespaces/${namespace}/events`, name);
}

/** MutatingWebhookConfigurations are the cluster's. */
export function registrationPlace(name: string): Place {
  const api = '/apis/admissionregistration.k8s.io/v1';
  return placeIn(`${api}/mutatingwebhookconfigurations`, name);
}

function placeIn(collection: string, name: string): Place {
  return { collection, path: `${collection}/${name}` };
}

/** The version that a write refers to; empty where there is none. */
export function resourceVersionOf(object: JsonRecord): string {
  return textIn(recordIn(object, 'metadata'), 'resourceVersion') ?? '';
}
