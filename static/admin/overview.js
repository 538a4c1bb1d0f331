// Draws each chart of the overview from the table behind it, and asks for fresh numbers once a minute.
// Without it the bars that the server drew stay, and the tables.

const EVERY = 60_000
// A page that nobody looks after must not keep its operator signed in.
const ATTENDED = 20 * 60_000
// How many pieces of time one label may stand for, and the distances between whole counts.
const STEPS = [1, 2, 3, 4, 6, 7, 12, 14, 28]
const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap(power => [power, 2 * power, 5 * power])
const number = new Intl.NumberFormat('en')

function read(figure) {
  const rows = [...figure.querySelectorAll('tbody tr')]
  const columns = [...figure.querySelectorAll('thead th')].slice(1).map(each => each.textContent)
  return {
    columns,
    labels: rows.map(row => row.querySelector('th').textContent),
    shorts: rows.map(row => row.dataset.short),
    data: [
      rows.map((_, place) => place),
      ...columns.map((_, column) => rows.map(row => Number(row.querySelectorAll('td')[column].dataset.count))),
    ],
  }
}

function tip(chart) {
  const box = document.createElement('div')
  box.className = 'chart-tip'
  box.hidden = true
  // The table says the same to who cannot see it.
  box.setAttribute('aria-hidden', 'true')
  const show = plot => {
    const { idx, left } = plot.cursor
    box.hidden = idx == null || left < 0
    if (box.hidden) return
    const title = document.createElement('strong')
    title.textContent = chart.table.labels[idx]
    const lines = chart.table.columns.map((name, column) => {
      const line = document.createElement('div')
      line.textContent = `${name} ${number.format(chart.table.data[column + 1][idx])}`
      return line
    })
    box.replaceChildren(title, ...lines)
    const place = left + 16 + box.offsetWidth > plot.over.clientWidth ? left - 16 - box.offsetWidth : left + 16
    box.style.transform = `translate(${Math.max(0, place)}px, 8px)`
  }
  return { hooks: { init: plot => plot.over.append(box), setCursor: show } }
}

function options(chart, plot) {
  const colour = name => getComputedStyle(chart.figure).getPropertyValue(name).trim()
  const axis = {
    stroke: getComputedStyle(chart.figure.querySelector('.chart-legend')).color,
    grid: { stroke: colour('--chart-grid'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    width: plot.clientWidth,
    height: plot.clientHeight,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(high * 1.1, 4)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 70,
        incrs: STEPS.map(each => each * Number(chart.figure.dataset.step)),
        values: (_, places) => places.map(place => chart.table.shorts[place] ?? ''),
      },
      {
        ...axis,
        size: 48,
        space: 36,
        incrs: WHOLE,
        values: (_, counts) => counts.map(count => number.format(count)),
      },
    ],
    series: [
      {},
      ...chart.table.columns.map((name, column) => ({
        label: name,
        stroke: colour(`--chart-${column + 1}`),
        fill: column ? undefined : `${colour('--chart-1')}22`,
        width: 2,
        dash: column ? [5, 3] : undefined,
        points: { show: false },
      })),
    ],
    plugins: [tip(chart)],
  }
}

class Chart {
  constructor(figure) {
    this.figure = figure
    this.draw()
    new ResizeObserver(() => this.fit()).observe(this.box)
  }

  get box() {
    return this.figure.querySelector('.chart-plot')
  }

  draw() {
    this.plot?.destroy()
    this.table = read(this.figure)
    this.plot = new window.uPlot(options(this, this.box), this.table.data, this.box)
  }

  fit() {
    this.plot.setSize({ width: this.box.clientWidth, height: this.box.clientHeight })
  }
}

const charts = new Map()

function drawAll() {
  for (const figure of document.querySelectorAll('.chart')) {
    const known = charts.get(figure.id)
    if (known?.figure === figure) known.draw()
    else charts.set(figure.id, new Chart(figure))
  }
}

// Which tables are open is the reader's, not the server's to say.
window.htmx.config.morphIgnore.push('open')
drawAll()
document.addEventListener('htmx:after:swap', drawAll)
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ['data-bs-theme'] })

let seen = Date.now()
for (const event of ['pointermove', 'keydown', 'scroll']) {
  document.addEventListener(event, () => { seen = Date.now() }, { passive: true })
}
setInterval(() => {
  if (document.visibilityState === 'visible' && Date.now() - seen < ATTENDED) {
    document.getElementById('overview').dispatchEvent(new CustomEvent('refresh'))
  }
}, EVERY)
