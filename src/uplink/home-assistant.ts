/**
 * Discovery messages for Home Assistant: one device for the appliance and one for each zone, so
 * that a zone can be put into a room. Pure. All values come from the retained `state`, availability
 * from `status`; nothing is published for Home Assistant but what it is to look at.
 */
import type { CommandKind } from '../domain/command.ts';
import type { Role } from '../domain/evidence.ts';
import type { PanelView, SourceView, ZoneView } from '../domain/view.ts';
import type { TextMessage } from './link.ts';
import type { Topics } from './payload.ts';

export interface DiscoveryPlan {
  /** What stands before all discovery topics, `homeassistant`. */
  readonly prefix: string;
  readonly topics: Topics;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly version: string;
  /** Commands that may be given by a button. */
  readonly buttons: readonly Extract<CommandKind, 'acknowledge' | 'silence' | 'reset'>[];
}

/** One entity, in the words of Home Assistant. */
export interface Component {
  readonly platform: 'binary_sensor' | 'sensor' | 'button';
  readonly [option: string]: string | boolean | readonly string[];
}

type Options = Readonly<Record<string, string>>;

export interface Discovery {
  readonly topic: string;
  readonly config: {
    readonly device: Readonly<Record<string, string | readonly string[]>>;
    readonly origin: Readonly<Record<string, string>>;
    readonly state_topic: string;
    readonly qos: 1;
    readonly availability: readonly Readonly<Record<string, string>>[];
    /** By a key that never changes for one entity. */
    readonly components: Readonly<Record<string, Component>>;
  };
}

/** What is shown of a source; with any other quality it has no value that could be believed. */
const BELIEVED = [
  'good',
  'learning',
  'warmingUp',
  'uncalibrated',
] as const satisfies readonly SourceView['quality'][];

/** Levels of a topic, keys and texts in templates: nothing else gets in there. */
const SAFE = /^[A-Za-z0-9_-]{1,64}$/;

/** Discovery topic of the appliance, or of a zone. Ids have no capitals, so nothing can clash. */
export function discoveryTopic(prefix: string, deviceId: string, zone: string | null): string {
  return `${prefix}/device/${objectId(deviceId, zone)}/config`;
}

function objectId(deviceId: string, zone: string | null): string {
  return zone === null ? `embereye_${deviceId}` : `embereye_${deviceId}_ZONE_${zone}`;
}

/** Everything that Home Assistant should know of the appliance as it is now. */
export function discoveriesOf(plan: DiscoveryPlan, view: PanelView): readonly Discovery[] {
  return [applianceOf(plan), ...view.zones.map((zone) => zoneOf(plan, zone, view.sources))];
}

/** @param gone components that were announced before and are to go, by key and platform. */
export function discoveryMessage(
  { topic, config }: Discovery,
  gone: Readonly<Record<string, string>>,
): TextMessage {
  const stubs = Object.entries(gone).map(([key, platform]) => [key, { platform }] as const);
  const components: object = { ...config.components, ...Object.fromEntries(stubs) };
  return { topic, payload: JSON.stringify({ ...config, components }), retain: true };
}

/** Takes a device away, with all that belongs to it. */
export function removalMessage(topic: string): TextMessage {
  return { topic, payload: '', retain: true };
}

function applianceOf(plan: DiscoveryPlan): Discovery {
  const state = (name: string, template: string, more: Options = {}): Component => ({
    ...{ platform: 'binary_sensor', name, value_template: `{{ ${template} }}` },
    ...{ ...ON_OFF, ...more },
  });
  return deviceOf(plan, null, plan.deviceName, {
    condition: {
      ...{ platform: 'sensor', name: 'Condition', device_class: 'enum' },
      options: ['alarm', 'preAlarm', 'supervisory', 'fault', 'disabled', 'test', 'normal'],
      value_template: '{{ value_json.condition }}',
    },
    alarm: state('Alarm', "value_json.condition == 'alarm'", { device_class: 'safety' }),
    fault: state('Fault', 'value_json.faults | count > 0', DIAGNOSTIC_PROBLEM),
    maintenance: state('Maintenance', 'value_json.maintenanceUntilMs is not none'),
    siren: state('Siren', 'value_json.outputs.siren'),
    ...Object.fromEntries(plan.buttons.map((kind) => [kind, buttonOf(plan, kind)])),
  });
}

function buttonOf({ topics }: DiscoveryPlan, kind: CommandKind): Component {
  return {
    platform: 'button',
    name: kind.charAt(0).toUpperCase() + kind.slice(1),
    command_topic: topics.commands.replace('+', kind),
    payload_press: JSON.stringify({ actor: 'home-assistant' }),
  };
}

const ON_OFF = { payload_on: 'True', payload_off: 'False' } as const;
const DIAGNOSTIC_PROBLEM = { device_class: 'problem', entity_category: 'diagnostic' } as const;

function zoneOf(plan: DiscoveryPlan, zone: ZoneView, all: readonly SourceView[]): Discovery {
  const sources = all.filter((one) => one.zone === zone.id && SAFE.test(one.channel));
  const alarmClass = alarmClassOf(sources.map(({ role }) => role));
  const fact = (name: string, template: string, more: Options = {}): Component => ({
    ...{ platform: 'binary_sensor', name, ...ON_OFF, ...more },
    value_template: ofFound(`value_json.zones | selectattr('id', 'eq', '${zone.id}')`, template),
  });
  return deviceOf(plan, zone.id, zone.name, {
    alarm: fact('Alarm', 'found[0].alarm is not none', { device_class: alarmClass }),
    preAlarm: fact('Pre-alarm', 'found[0].preAlarm is not none', { device_class: alarmClass }),
    fault: fact('Fault', 'found[0].faults | count > 0', DIAGNOSTIC_PROBLEM),
    disabled: fact('Disabled', 'found[0].disabledUntilMs is not none', {
      entity_category: 'diagnostic',
    }),
    ...Object.fromEntries(sources.map((one) => [`${one.sensor}/${one.channel}`, valueOf(one)])),
  });
}

/** Where the state does not hold it (any more), the value is unknown. */
function ofFound(list: string, value: string): string {
  return `{% set found = ${list} | list %}{{ (${value}) if found else none }}`;
}

function valueOf({ sensor, channel, unit }: SourceView): Component {
  const list =
    `value_json.sources | selectattr('sensor', 'eq', '${sensor}')` +
    ` | selectattr('channel', 'eq', '${channel}')`;
  const believed = BELIEVED.map((quality) => `'${quality}'`).join(', ');
  const value = `found[0].value if found[0].quality in [${believed}] else none`;
  return {
    ...{ platform: 'sensor', name: `${sensor} ${channel}`, ...UNITS[unit] },
    value_template: ofFound(list, value),
  };
}

/** Units of `state`, in the words of Home Assistant; what is not here has no unit there. */
const UNITS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  celsius: { unit_of_measurement: '°C', device_class: 'temperature', state_class: 'measurement' },
  percent: { unit_of_measurement: '%', state_class: 'measurement' },
  ppm: { unit_of_measurement: 'ppm', state_class: 'measurement' },
  ratio: { state_class: 'measurement' },
};

/** What a zone's alarm is about: one thing where all its sensors look for the same. */
function alarmClassOf(roles: readonly Role[]): string {
  const classes = new Set(roles.map((role) => CLASSES[role]));
  const [only] = classes;
  return classes.size === 1 && only !== undefined ? only : 'safety';
}

const CLASSES: Readonly<Record<Role, string>> = {
  smoke: 'smoke',
  gas: 'gas',
  carbonMonoxide: 'carbon_monoxide',
  thermal: 'heat',
  heat: 'heat',
  flame: 'safety',
  flameDigital: 'safety',
};

function deviceOf(
  plan: DiscoveryPlan,
  zone: string | null,
  name: string,
  components: Readonly<Record<string, Component>>,
): Discovery {
  const id = objectId(plan.deviceId, zone);
  const above = zone === null ? {} : { via_device: objectId(plan.deviceId, null) };
  return {
    topic: discoveryTopic(plan.prefix, plan.deviceId, zone),
    config: {
      device: {
        ...{ identifiers: [id], name, manufacturer: 'EmberEye', sw_version: plan.version },
        ...{ model: zone === null ? 'edge' : 'zone', ...above },
      },
      origin: { name: 'EmberEye edge', sw_version: plan.version },
      state_topic: plan.topics.state,
      qos: 1,
      availability: [
        {
          topic: plan.topics.status,
          value_template: '{{ value_json.status }}',
          payload_available: 'online',
          payload_not_available: 'offline',
        },
      ],
      components: Object.fromEntries(
        Object.entries(components).map(([key, one]) => [
          key,
          { ...one, unique_id: `${id}_${key}` },
        ]),
      ),
    },
  };
}
