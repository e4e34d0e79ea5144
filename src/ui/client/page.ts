import { followPlots } from '../../report/client/plots.ts';
import { makeSortable } from '../../report/client/tables.ts';
import { loadCharts } from './charts.ts';
import { followChanges } from './live.ts';

document.documentElement.classList.add('script');
loadCharts(document);
makeSortable(document);
followPlots(document);
followChanges();
