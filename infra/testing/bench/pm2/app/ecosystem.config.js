// Pattern A: PM2's cluster mode, all workers on one port.
module.exports = {
  apps: [
    {
      name: 'api',
      script: 'dist/main.js',
      exec_mode: 'cluster',
      instances: Number(process.env.WORKERS),
      watch: false,
      env: { NODE_ENV: 'production', PORT: Number(process.env.PORT) },
    },
  ],
};
