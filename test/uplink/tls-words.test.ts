import { describe, expect, it } from 'vitest';
import { type TlsFacts, tlsReason } from '../../src/uplink/tls-words.ts';
import { reasonOfEnding } from '../../src/uplink/mqtt-words.ts';
import { termsOf } from '../../src/uplink/broker-terms.ts';

const NOW = Date.UTC(2026, 10, 23, 8);
const FACTS: TlsFacts = {
  address: 'mqtts://broker.test:8883',
  serverName: 'broker.test',
  caFile: null,
  certFile: null,
  established: false,
  alpn: [],
  server: { names: ['other.test'], validFromMs: NOW + 1e9, validToMs: NOW - 1e9 },
  client: null,
  now: { wallMs: NOW, quality: 'unsynchronised' },
};

describe('what is said of a failed handshake', () => {
  it('names the time of this machine and how far it may be trusted', () => {
    expect(tlsReason('CERT_HAS_EXPIRED', FACTS)).toContain('2026-11-23 08:00 UTC (unsynchronised)');
    const unknown = { ...FACTS, now: { wallMs: NOW, quality: 'unknown' as const } };
    expect(tlsReason('CERT_NOT_YET_VALID', unknown)).toContain(
      'nobody knows whether that is right',
    );
  });

  it.each([
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ECONNRESET',
    '',
  ])('names address and remedy for %s, with little or nothing known', (code) => {
    for (const server of [FACTS.server, null]) {
      const reason = tlsReason(code, { ...FACTS, server });
      expect(reason).toContain('broker.test');
      expect(reason).toMatch(/:.*(renew|set|put|name|give|update|write|correct|is this|authority)/);
      expect(reason).not.toMatch(/undefined|null|NaN/);
    }
  });

  it('leaves to others what has nothing to do with TLS', () => {
    expect(tlsReason('ECONNREFUSED', FACTS)).toBeNull();
  });

  it('reads the reason that a failed write hides in its text', () => {
    const text =
      'write EPROTO 80:error:0A000460:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:x.c:1:';
    const ours = { ...FACTS, certFile: '/own.pem' };
    const error = Object.assign(new Error(text), { code: 'EPROTO' });
    const ending = {
      error,
      farewell: null,
      said: null,
      address: FACTS.address,
      version: 5 as const,
    };
    const { reason } = reasonOfEnding({ ...ending, opened: false, tls: ours });
    expect(reason).toContain('does not know its authority: renew or replace /own.pem');
  });
});

describe('the terms of a broker', () => {
  it('grant everything where it says nothing', () => {
    expect(termsOf(undefined)).toEqual({
      receiveMaximum: 65_535,
      maximumPacketBytes: null,
      retains: true,
      useless: null,
      unsuitable: null,
    });
  });

  it('are enough with QoS 1, and told together where several things are missing', () => {
    expect(termsOf({ maximumQoS: 1 }).useless).toBeNull();
    const { unsuitable } = termsOf({
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
    });
    expect(unsuitable).toMatch(/retained messages.*; .*wildcards/);
  });
});
