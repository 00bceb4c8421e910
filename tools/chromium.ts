// A real Chromium for whatever looks at pages: installed with the development dependencies, or the one CHROMIUM names.
import bundled from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const own = process.env.CHROMIUM;

/** Why pages cannot be looked at on this machine; null when they can. */
export const whyNoBrowser: string | null =
  own !== undefined || (process.platform === 'linux' && process.arch === 'x64')
    ? null
    : 'the bundled Chromium is for Linux on x64: set CHROMIUM to the path of one';

/** Without a sandbox of its own, which a container does not let it have. The pages are ours. */
const ARGS = ['--no-sandbox', '--disable-dev-shm-usage', '--headless=shell'];

export const openBrowser = async (): Promise<Browser> =>
  own === undefined
    ? chromium.launch({ executablePath: await bundled.executablePath(), args: ARGS, headless: true })
    : chromium.launch({ executablePath: own, args: ARGS, headless: true });
