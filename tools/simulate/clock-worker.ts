// Puts the played clock in the place of the Worker's own before any other module of it is read. Imported first.
import { installClock } from './clock.ts';

installClock();
