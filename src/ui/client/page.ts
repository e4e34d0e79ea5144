import { followPlots } from '../../report/client/plots.ts';
import { loadCharts } from './charts.ts';
import { followChanges } from './live.ts';

document.documentElement.classList.add('script');
loadCharts(document);
followPlots(document);
followChanges();
