export { Pipeline } from 'modelkeep';
