import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BOX_LIMITS } from '../../src/hal/box/readers.ts';
import { boxFindings } from '../../src/hal/doctor/box-findings.ts';
import { brokerFindings } from '../../src/hal/doctor/brokers.ts';
import type { BrokerPlan } from '../../src/hal/doctor/brokers.ts';
import { busFindings } from '../../src/hal/doctor/buses.ts';
import { firmwareFindings, parseConfigTxt } from '../../src/hal/doctor/firmware.ts';
import { gpioFindings, lineFinding } from '../../src/hal/doctor/gpio.ts';
import { portFinding, runFinding, stateFinding } from '../../src/hal/doctor/premises.ts';
import { serialFindings } from '../../src/hal/doctor/serial.ts';
import { systemFindings } from '../../src/hal/doctor/system.ts';
import { done, failed } from '../../src/hal/ports.ts';
import { FLAGS_PI4 } from './box-models.ts';
import { about, chip, DoctorModel, FTDI, healthyPi4 } from './doctor-models.ts';

const PORT = `/dev/serial/by-id/${FTDI}`;
const CONFIG_TXT = '/boot/firmware/config.txt';

describe('a healthy Pi 4', () => {
  it('has nothing but ok', async () => {
    const pi = healthyPi4();
    const findings = [
      ...(await systemFindings(pi)),
      ...(await boxFindings(pi, DEFAULT_BOX_LIMITS, '/var/lib/embereye')),
      ...(await firmwareFindings(pi)),
      ...(await busFindings(pi)),
      ...(await serialFindings(pi, [PORT])),
      ...(await gpioFindings(pi, pi.gpio)),
    ];
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
    const found = (area: string, subject: string) => about(findings, area, subject)?.found;
    expect(found('system', 'machine')).toBe('Raspberry Pi 4 Model B Rev 1.4');
    expect(found('system', 'kernel')).toBe('6.12.47+rpt-rpi-v8, pages of 4 KiB');
    expect(found('system', 'user')).toBe('embereye (999), groups dialout, i2c, spi, gpio');
    expect(found('box', 'readings')).toMatch(
      /^cpuCelsius 48.2 C, diskFreePercent 50 %, .*load1Tasks 0.5$/,
    );
    expect(found('firmware', 'I2C')).toBe('on, at 400000 Hz');
    expect(found('i2c', '/dev/i2c-1')).toBe('bcm2835 (i2c@7e804000), 400 kHz');
    expect(found('spi', '/dev/spidev0.0')).toBe('chip select');
    expect(found('serial', PORT)).toBe('/dev/ttyUSB0, driver ftdi_sio');
    expect(found('gpio', 'pinctrl-bcm2711')).toBe('/dev/gpiochip0, 58 lines, all free');
    const exp = '/dev/gpiochip1, 8 lines, held: 4 by the kernel';
    expect(found('gpio', 'raspberrypi-exp-gpio')).toBe(exp);
    expect(found('watchdog', 'watchdog0')).toBe('fed, 15 s');
  });
});

describe('a Pi on which nothing is enabled', () => {
  it('names the line for config.txt', async () => {
    const pi = new DoctorModel('pi4');
    pi.set('/proc/device-tree/model', 'Raspberry Pi 4 Model B Rev 1.4\0');
    pi.set(CONFIG_TXT, '#dtparam=i2c_arm=on\n#dtparam=spi=on\n[pi5]\nenable_uart=1\n');
    const firmware = await firmwareFindings(pi);
    const remedies = firmware.map(({ state, remedy }) => [state, remedy?.split(' into ')[0]]);
    expect(remedies).toEqual([
      ['note', 'for that, put dtparam=i2c_arm=on'],
      ['note', 'for that, put dtparam=spi=on'],
      ['note', 'for that, put enable_uart=1'],
      ['ok', undefined],
    ]);
    const buses = await busFindings(pi);
    const i2c = `for that, put dtparam=i2c_arm=on into ${CONFIG_TXT} and restart`;
    expect(about(buses, 'i2c', 'buses')).toMatchObject({ state: 'note', remedy: i2c });
    expect(about(buses, 'spi', 'chip selects')?.remedy).toMatch(/dtparam=spi=on/);
    expect(about(await serialFindings(pi, []), 'serial', 'ports')?.state).toBe('note');
    const [gpio] = await gpioFindings(pi, pi.gpio);
    expect(gpio).toMatchObject({ subject: 'chips', state: 'note' });
  });

  it('a bus in the kernel without a node wants its module', async () => {
    const pi = new DoctorModel('pi4');
    pi.set('/sys/bus/i2c/devices/i2c-1/name', 'bcm2835');
    const remedy = about(await busFindings(pi), 'i2c', 'buses')?.remedy;
    expect(remedy).toMatch(/modprobe i2c-dev/);
  });
});

describe('config.txt', () => {
  it.each([
    ['dtparam=i2c=on', 'on'],
    ['dtparam=i2c_arm', 'on'],
    ['dtparam=i2c1=on # for the array', 'on'],
    ['[pi4]\ndtparam=i2c_arm=on', 'on'],
    ['[pi5]\ndtparam=i2c_arm=on', undefined],
    ['[pi5]\ndtparam=spi=on\n[all]\ndtparam=i2c_arm=on', 'on'],
    ['[none]\ndtparam=i2c_arm=on', undefined],
    ['[EDID=VSC-TD2220]\ndtparam=i2c_arm=on', undefined],
    ['dtparam=i2c_arm=on\ndtparam=i2c_arm=off', 'off'],
  ])('%j', (text, expected) => {
    const { params } = parseConfigTxt(text, 'Raspberry Pi 4 Model B Rev 1.4');
    expect(params.get('i2c_arm')).toBe(expected);
  });

  it('any text is read without an exception', () => {
    const words = fc.constantFrom('dtparam=', '[all]', '[', ']', '=', ',', '#', '\n', 'i2c', '\0');
    const text = fc.array(fc.oneof(words, fc.string())).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (written) => {
        const { overlays } = parseConfigTxt(written, null);
        expect(overlays).not.toContain('');
      }),
    );
  });

  it('that may not be read is skipped', async () => {
    const pi = healthyPi4();
    pi.files.faults.set(CONFIG_TXT, 'permission');
    const [one] = await firmwareFindings(pi);
    expect(one).toMatchObject({ state: 'skipped', remedy: `sudo cat ${CONFIG_TXT}` });
  });
});

describe('missing permission is skipped and names the group', () => {
  const other = (): DoctorModel => {
    const pi = new DoctorModel('pi4');
    pi.self = { ...pi.self, user: 'guest', groupIds: [] };
    pi.device('/dev/i2c-1', 'i2c');
    pi.serialPort('ttyUSB0', 'ftdi_sio', FTDI);
    pi.device('/dev/gpiochip0', 'gpio');
    return pi;
  };

  it('of each device', async () => {
    const pi = other();
    const denied = failed('permission', '/dev/gpiochip0: EACCES');
    const facts = done({ chips: [], unreadable: [denied.error] });
    const findings = [
      ...(await busFindings(pi)),
      ...(await serialFindings(pi, [])),
      ...(await gpioFindings(pi, facts)),
    ];
    const again = 'then log in again, or restart the service';
    expect(about(findings, 'i2c', '/dev/i2c-1')).toMatchObject({
      state: 'skipped',
      remedy: `sudo usermod -aG i2c guest, ${again}`,
    });
    expect(about(findings, 'serial', PORT)).toMatchObject({
      state: 'skipped',
      remedy: `sudo usermod -aG dialout guest, ${again}`,
    });
    expect(findings.filter(({ area }) => area === 'gpio')).toMatchObject([
      { state: 'skipped', remedy: `sudo usermod -aG gpio guest, ${again}` },
    ]);
  });

  it('a login older than the group must be renewed', async () => {
    const pi = other();
    pi.self = { ...pi.self, user: 'embereye' };
    const remedy = about(await busFindings(pi), 'i2c', '/dev/i2c-1')?.remedy;
    expect(remedy).toMatch(/^log in again/);
  });

  it('a device of root alone wants a udev rule', async () => {
    const pi = other();
    pi.device('/dev/i2c-7', 'root', 'rootOnly');
    const remedy = about(await busFindings(pi), 'i2c', '/dev/i2c-7')?.remedy;
    expect(remedy).toMatch(/SUBSYSTEM=="i2c-dev", GROUP="i2c", MODE="0660".*udev/);
  });
});

describe('serial ports', () => {
  it('a modem is named, and fails where the configuration wants it', async () => {
    const pi = new DoctorModel('pi4');
    const byId = 'usb-HUAWEI_Technology_HUAWEI_Mobile-if00-port0';
    pi.serialPort('ttyUSB1', 'option', byId);
    const path = `/dev/serial/by-id/${byId}`;
    const [unused] = await serialFindings(pi, []);
    expect(unused).toMatchObject({ state: 'note', found: '/dev/ttyUSB1, driver option: a modem' });
    const [wanted] = await serialFindings(pi, [path]);
    expect(wanted).toMatchObject({ state: 'failed', subject: path });
    expect(wanted?.remedy).toMatch(/sensor board/);
  });

  it('the console on a UART fails where a sensor is to be, and is a note elsewhere', async () => {
    const pi = healthyPi4();
    pi.serialPort('ttyAMA0', 'uart-pl011', null);
    pi.links.set('/dev/serial0', '/dev/ttyAMA0');
    pi.set('/proc/cmdline', 'console=serial0,115200 console=tty1 root=/dev/mmcblk0p2');
    const subject = 'console /dev/ttyAMA0';
    expect(about(await serialFindings(pi, []), 'serial', subject)?.state).toBe('note');
    const wanted = about(await serialFindings(pi, ['/dev/serial0']), 'serial', subject);
    expect(wanted).toMatchObject({ state: 'failed' });
    expect(wanted?.remedy).toBe('sudo raspi-config nonint do_serial_cons 1, then restart');
  });

  it('without a stable name, held by a program, and beside programs that grab', async () => {
    const pi = new DoctorModel('pi4');
    pi.serialPort('ttyACM0', 'cdc_acm', null);
    pi.process(812, 'minicom', '/dev/pts/0', '/dev/ttyACM0');
    pi.process(700, 'ModemManager');
    pi.process(701, 'brltty');
    const findings = await serialFindings(pi, []);
    expect(about(findings, 'serial', '/dev/ttyACM0')).toMatchObject({
      state: 'note',
      found: 'no stable name, driver cdc_acm, held by minicom (pid 812)',
    });
    expect(about(findings, 'serial', 'ModemManager')?.remedy).toMatch(/systemctl disable --now/);
    expect(about(findings, 'serial', 'brltty')?.state).toBe('warning');
  });

  it('places of ports that nobody built in are no ports', async () => {
    const pi = new DoctorModel('pc');
    for (const [name, type] of [
      ['ttyS0', '4'],
      ['ttyS1', '0'],
    ] as const) {
      pi.device(`/dev/${name}`, 'dialout');
      pi.set(`/sys/class/tty/${name}/type`, type);
    }
    const findings = await serialFindings(pi, []);
    expect(findings.map(({ subject }) => subject)).toEqual(['/dev/ttyS0']);
  });
});

describe('configured GPIO lines', () => {
  const facts = done({
    chips: [chip('pinctrl-rp1', '/dev/gpiochip11', 54, { 17: 'spi0 CS1', 22: 'embereye:siren' })],
    unreadable: [],
  });
  const line = (at: { chip: string; line: number | string }, running = false) =>
    lineFinding({ area: 'output:siren', at }, facts, running);

  it('free, by offset and by name', () => {
    const found = '/dev/gpiochip11 line 27 "GPIO27", now an input, free';
    expect(line({ chip: 'pinctrl-rp1', line: 27 })).toMatchObject({ state: 'ok', found });
    expect(line({ chip: '*', line: 'GPIO27' })).toMatchObject({ state: 'ok', found });
  });

  it('held by another consumer fails with its name, held by a running appliance does not', () => {
    const held = line({ chip: 'pinctrl-rp1', line: 17 });
    expect(held.state).toBe('failed');
    expect(held.found).toMatch(/now an output, held by "spi0 CS1"/);
    expect(line({ chip: 'pinctrl-rp1', line: 22 }, true).state).toBe('ok');
  });

  it.each([
    [{ chip: 'pinctrl-bcm2711', line: 17 }, /no GPIO chip is labelled "pinctrl-bcm2711"/],
    [{ chip: 'pinctrl-rp1', line: 54 }, /has no line 54/],
    [{ chip: '*', line: 'PIN11' }, /has no line "PIN11"/],
  ])('%j is not there: the remedy lists what is', (at, found) => {
    const missing = line(at);
    expect(missing.state).toBe('failed');
    expect(missing.found).toMatch(found);
    expect(missing.remedy).toMatch(/this machine has: pinctrl-rp1 \(lines 0\.\.53\)/);
  });

  it('missing where a chip could not be opened is skipped', () => {
    const denied = failed('permission', '/dev/gpiochip0: EACCES');
    const hidden = done({ chips: [], unreadable: [denied.error] });
    const at = { chip: 'pinctrl-bcm2711', line: 17 };
    expect(lineFinding({ area: 'output:siren', at }, hidden, false).state).toBe('skipped');
  });

  it('lines of sysfs stay exported after a run, and are taken over by the next', () => {
    const at = { chip: 'pinctrl-bcm2711', line: 17 };
    const wanted = { area: 'output:siren', at, onSysfs: true };
    const left = done({
      chips: [chip('pinctrl-bcm2711', '/dev/gpiochip0', 58, { 17: 'sysfs' })],
      unreadable: [],
    });
    expect(lineFinding(wanted, left, false)).toMatchObject({ state: 'note', remedy: null });
    expect(lineFinding({ ...wanted, onSysfs: false }, left, false).state).toBe('failed');
    const none = failed('absent', 'no GPIO character device');
    expect(lineFinding(wanted, none, false).state).toBe('skipped');
    expect(lineFinding({ ...wanted, onSysfs: false }, none, false).state).toBe('failed');
  });
});

describe('brokers', () => {
  const PLAN: BrokerPlan = {
    id: 'central',
    host: 'broker.example.net',
    port: 8883,
    passwordFile: '/etc/embereye/broker-password',
    tls: { verify: true, caFile: '/etc/ca.pem', certificateFile: null, keyFile: null },
  };
  const world = (): DoctorModel => {
    const pi = new DoctorModel('pi4');
    pi.set('/etc/ca.pem', '2020-01-01 2030-01-01');
    pi.directory('/etc/embereye/broker-password', false);
    return pi;
  };
  const worst = (pi: DoctorModel, plan = PLAN) =>
    brokerFindings(pi, plan).then((findings) => findings.filter(({ state }) => state !== 'ok'));

  it('reached with a valid certificate', async () => {
    const findings = await brokerFindings(world(), PLAN);
    expect(findings.map(({ subject, state }) => `${subject} ${state}`)).toEqual([
      'passwordFile ok',
      '/etc/ca.pem ok',
      'broker.example.net:8883 ok',
      'certificate of broker.example.net ok',
    ]);
  });

  it('an unknown name, a closed port', async () => {
    const [unknown] = await worst(world(), { ...PLAN, host: 'nowhere.example' });
    expect(unknown?.found).toMatch(/cannot be resolved/);
    expect(unknown?.remedy).toMatch(/getent hosts nowhere.example/);
    const [closed] = await worst(world(), { ...PLAN, port: 8884 });
    expect(closed?.found).toMatch(/ECONNREFUSED/);
    expect(closed?.remedy).toMatch(/firewall/);
  });

  it.each([
    ['2020-01-01', '2021-01-01', 'failed', /expired on 2021-01-01/],
    ['2030-01-01', '2031-01-01', 'failed', /not valid before 2030-01-01/],
    ['2020-01-01', '2023-11-20', 'warning', /valid until 2023-11-20/],
  ])('a server certificate from %s to %s: %s', async (from, to, state, found) => {
    const pi = world();
    const dates = { validFromMs: Date.parse(from), validToMs: Date.parse(to) };
    pi.net.tlsAnswer = done({ authorised: true, why: null, subject: 'x', ...dates });
    const [one] = await worst(pi);
    expect(one?.state).toBe(state);
    expect(one?.found).toMatch(found);
  });

  it('a server that is not trusted: failed, or a warning where it need not be', async () => {
    const pi = world();
    const dates = { validFromMs: 0, validToMs: 4e12 };
    pi.net.tlsAnswer = done({
      ...{ authorised: false, why: 'SELF_SIGNED_CERT_IN_CHAIN', subject: 'x', ...dates },
    });
    const [strict] = await worst(pi);
    expect(strict).toMatchObject({ state: 'failed' });
    expect(strict?.found).toMatch(/SELF_SIGNED_CERT_IN_CHAIN/);
    const lax = {
      ...PLAN,
      tls: { verify: false, caFile: null, certificateFile: null, keyFile: null },
    };
    expect(await worst(pi, lax)).toMatchObject([{ state: 'warning' }]);
  });

  it('files that are missing, no certificates, or not for this user', async () => {
    const pi = world();
    pi.set('/etc/ca.pem', 'rubbish');
    pi.owners.delete('/etc/embereye/broker-password');
    const tls = { verify: true, caFile: '/etc/ca.pem', certificateFile: null, keyFile: '/no.key' };
    const found = await worst(pi, { ...PLAN, tls });
    expect(found.map(({ subject, state }) => `${subject} ${state}`)).toEqual([
      'passwordFile failed',
      '/etc/ca.pem failed',
      'keyFile failed',
    ]);
    pi.owners.set(PLAN.passwordFile ?? '', {
      ...{ readable: false, writable: false, groupId: 0, groupMay: false, mode: 0o600 },
    });
    const [password] = await worst(pi, { ...PLAN, tls: null });
    expect(password?.remedy).toMatch(/sudo chown embereye .*chmod 600/);
  });
});

describe('directories and ports', () => {
  it('a state directory that is writable, can be made, or cannot', async () => {
    const pi = new DoctorModel('pi4');
    expect(await stateFinding(pi, '/var/lib/embereye')).toMatchObject({
      state: 'ok',
      found: 'can be written, 16000 MB free',
    });
    const made = await stateFinding(pi, '/var/lib/embereye/a/b');
    expect(made).toMatchObject({
      state: 'ok',
      found: 'not there yet; it will be made in /var/lib/embereye',
    });
    pi.directory('/srv', false);
    const missing = await stateFinding(pi, '/srv/embereye');
    expect(missing).toMatchObject({ state: 'failed' });
    expect(missing.remedy).toBe('sudo install -d -o embereye /srv/embereye');
    expect((await stateFinding(pi, '/srv')).remedy).toBe('sudo chown -R embereye /srv');
  });

  it('a run directory on a disk is a warning', async () => {
    const pi = new DoctorModel('pi4');
    expect((await runFinding(pi, '/run/embereye')).state).toBe('ok');
    pi.owners.delete('/run/embereye');
    const gone = await runFinding(pi, '/run/embereye');
    expect(gone.state).toBe('failed');
    expect(gone.found).toMatch(/may not make it/);
    expect(gone.remedy).toMatch(/^RuntimeDirectory=embereye in the \[Service\]/);
    expect(gone.remedy).toMatch(/'d \/run\/embereye 0755 embereye' \| sudo tee \/etc\/tmpfiles\.d/);
    expect(await runFinding(pi, '/var/lib/embereye')).toMatchObject({ state: 'warning' });
    pi.directory('/run/embereye', true, 0o700);
    expect(await runFinding(pi, '/run/embereye')).toMatchObject({
      state: 'note',
      found: 'can be written; mode 700 shuts operators out',
    });
  });

  it('a port taken by another program fails, by the appliance it does not', async () => {
    const pi = new DoctorModel('pi4');
    const wanted = { field: 'ingest.port', host: '0.0.0.0', port: 4888 };
    expect((await portFinding(pi, wanted, false)).state).toBe('ok');
    pi.net.taken.add(4888);
    const taken = await portFinding(pi, wanted, false);
    expect(taken).toMatchObject({ state: 'failed' });
    expect(taken.remedy).toMatch(/ss -ltnp sport = :4888.*set ingest.port/);
    expect((await portFinding(pi, wanted, true)).state).toBe('ok');
  });
});

describe('the machine', () => {
  it('old Node, 32 bits and root are told', async () => {
    const pi = new DoctorModel('pi4');
    pi.self = { ...pi.self, nodeVersion: 'v18.20.4', architecture: 'arm', userId: 0, user: 'root' };
    const findings = await systemFindings(pi);
    const state = (subject: string) => about(findings, 'system', subject)?.state;
    expect([state('Node'), state('architecture'), state('user')]).toEqual([
      ...['failed', 'failed', 'note'],
    ]);
  });

  it('box faults become findings with their remedies; the past counts too', async () => {
    const pi = healthyPi4();
    pi.set('/proc/meminfo', 'MemAvailable: 1000 kB');
    pi.set('/proc/mounts', '/dev/mmcblk0p2 / ext4 ro 0 0');
    pi.set(FLAGS_PI4, '50000');
    pi.time = 'unsynchronised';
    const findings = await boxFindings(pi, DEFAULT_BOX_LIMITS, '/var/lib/embereye');
    expect(about(findings, 'box', 'memoryLow')).toMatchObject({ state: 'warning' });
    expect(about(findings, 'box', 'memoryLow')?.remedy).toMatch(/^see what takes it/);
    expect(about(findings, 'box', 'diskReadOnly')).toMatchObject({ state: 'failed' });
    expect(about(findings, 'box', 'since boot')?.found).toBe(
      'it was so: undervoltage, the processor is throttled',
    );
    expect(about(findings, 'box', 'clock')).toMatchObject({ state: 'warning' });
  });
});
